// The arrows between rooms: a room may import only the rooms named here and `common`, and only through their index.ts.
const arrows = {
  common: [],
  graph: [],
  model: ["graph", "processor"],
  passes: ["model", "graph"],
  processor: [],
  hub: [],
  runtime: ["graph"],
  engine: ["passes", "model", "graph", "processor", "runtime"],
  browser: ["engine", "passes", "model", "graph", "processor", "runtime"],
  compile: ["browser", "engine", "passes", "model", "graph", "processor", "hub", "runtime"],
  node: ["compile", "engine", "passes", "model", "graph", "processor", "hub", "runtime"],
  ranks: ["runtime"],
  tasks: ["processor"],
  tables: [],
  data: ["train", "eval", "vlmeval", "node", "compile", "engine", "tasks", "processor", "hub"],
  vlmeval: ["tables", "tasks", "processor"],
  train: [
    "ranks",
    "tables",
    "node",
    "compile",
    "engine",
    "runtime",
    "tasks",
    "passes",
    "model",
    "graph",
    "hub",
    "processor",
  ],
  eval: ["node", "compile", "engine", "vlmeval", "tables", "tasks", "processor", "hub"],
  serve: ["engine", "processor"],
  "ai-sdk": ["engine", "processor"],
  mcp: ["engine", "processor"],
};
const rooms = Object.keys(arrows);
/** A room has one door; the runtime has one more for each implementation, rooms that serve pages too one for Node, and training one for its rows. */
const doors = {
  browser: "(index|manifest)",
  runtime: "(ort/|web/)?index",
  common: "(index|node)",
  processor: "(index|core|browser)",
  train: "(index|rows)",
};
const doorsOf = (room) => `^src/${room}/${doors[room] ?? "index"}\\.ts$`;
/** Rooms that also run in a page, and the folders of them that do not. */
const pure = "^src/(common|graph|model|passes|processor|runtime|engine|browser)/";
const notPure = "^src/(common/node|processor/(index\\.ts|node)|runtime/ort/)";
const forbidden = rooms.map((room) => ({
  name: `arrows-of-${room}`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: [`^src/${room}/`, "^src/common/", ...arrows[room].map((other) => `^src/${other}/`)] },
}));
forbidden.push(
  ...[...rooms, "cli"].map((room) => ({
    name: `doors-into-${room}`,
    comment: "another room is entered only through its door",
    severity: "error",
    from: { path: "^src/", pathNot: `^src/${room}/` },
    to: { path: `^src/${room}/`, pathNot: doorsOf(room) },
  })),
  {
    name: "recipes-only-through-doors",
    comment: "a recipe is a package of its own: it imports flashvl by name, and no other file of the repository",
    severity: "error",
    from: { path: "^recipes/([^/]+)/" },
    to: { dependencyTypes: ["local"], pathNot: "^recipes/$1/" },
  },
  {
    name: "package-without-worlds",
    comment: "what ships knows nothing of the recipes, nor of what only this repository has",
    severity: "error",
    from: { path: "^src/" },
    to: { path: "^(recipes|bench|test|tools|deploy)/" },
  },
  {
    name: "no-cycles",
    comment: "types included",
    severity: "error",
    from: { path: "^(src|recipes)/" },
    to: { circular: true },
  },
  {
    name: "libraries-only-in-runtime",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/runtime/" },
    to: { path: "node_modules/(onnxruntime-|koffi)" },
  },
  {
    name: "no-undeclared-packages",
    comment: "what is published imports only what is installed with it, or an optional peer; types leave no trace",
    severity: "error",
    from: { path: "^src/", pathNot: "\\.test\\.ts$" },
    to: {
      dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown", "unknown"],
      dependencyTypesNot: ["npm-peer", "type-only"],
    },
  },
  {
    name: "no-node-in-pure-rooms",
    comment: "these rooms, of common the pure half, also run in a page",
    severity: "error",
    from: { path: pure, pathNot: notPure },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "no-node-door-in-pure-rooms",
    severity: "error",
    from: { path: pure, pathNot: notPure },
    to: {
      path: ["^src/common/node", "^src/processor/(index|node)", "^src/runtime/ort/", "node_modules/(sharp|koffi)/"],
    },
  },
);
module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "\\.test\\.ts$" },
    parser: "tsc",
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["flashvl-source", "import", "node", "default"],
    },
  },
};

// The arrows between rooms: a room may import only the rooms named here, and only through their index.ts.
const arrows = {
  graph: [],
  model: ["graph"],
  processor: [],
  hub: [],
  engine: ["model", "graph", "processor", "hub"],
  tasks: ["processor"],
  train: ["engine", "tasks", "model", "graph", "hub", "processor"],
  eval: ["engine", "tasks", "processor", "hub"],
  serve: ["engine", "processor"],
  "ai-sdk": ["engine", "processor"],
  mcp: ["engine", "processor"],
};
const rooms = Object.keys(arrows);
const forbidden = rooms.map((room) => ({
  name: `arrows-of-${room}`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: [`^src/${room}/`, ...arrows[room].map((other) => `^src/${other}/`)] },
}));
forbidden.push(
  ...[...rooms, "cli"].map((room) => ({
    name: `doors-into-${room}`,
    comment: "another room is entered only through its index.ts",
    severity: "error",
    from: { path: "^src/", pathNot: `^src/${room}/` },
    to: { path: `^src/${room}/`, pathNot: `^src/${room}/index\\.ts$` },
  })),
  {
    name: "no-cycles",
    severity: "error",
    from: { path: "^src/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "runtime-only-in-engine",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/engine/runtime/" },
    to: { path: "node_modules/(onnxruntime-|koffi)" },
  },
  {
    name: "no-node-in-pure-rooms",
    comment: "graph and model also run in a page",
    severity: "error",
    from: { path: "^src/(graph|model)/", pathNot: "\\.test\\.ts$" },
    to: { dependencyTypes: ["core"] },
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
      conditionNames: ["import", "node", "default"],
    },
  },
};

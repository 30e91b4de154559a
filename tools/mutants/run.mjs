/**
 * @file `npm run test:mutants`: plants bugs in the sources, one at a time (Stryker), and counts which the tests notice.
 * Arguments are files or folders of src; without any, the files that have changed since main. Each is tried with the tests
 * beside it and those that the table below names. Stryker is installed for the run and not saved: nobody else needs it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The last version for Node 20. */
const VERSION = "9.6.1";
/** The share of bugs that tests must notice, in percent. */
const BAR = 85;
/** Tests of a part of src beside those that stand next to its sources. */
const TESTS = {
  "src/common": ["test/common/**/*.test.ts"],
  "src/engine/schedule": [],
  "src/engine/run": [],
  "src/hub": ["test/hub/**/*.test.ts"],
  "src/train": ["test/train/*-vectors.test.ts", "test/train/sft-run.test.ts", "test/train/grpo.test.ts"],
  "src/eval": ["test/eval/**/*.test.ts"],
  "src/serve": [
    "test/serve/server.test.ts",
    "test/serve/chat.test.ts",
    "test/serve/hostile.test.ts",
    "test/serve/requests.test.ts",
  ],
};

const git = (...args) => execFileSync("git", args, { encoding: "utf8" }).split("\n").filter(Boolean);
const given = process.argv.slice(2);
const paths = given.length > 0 ? given : git("diff", "--name-only", "--diff-filter=d", "main", "--", "src");
const mutated = paths
  .map((path) => path.replace(/\/$/, ""))
  .filter((path) => existsSync(path) && !/\.test\.ts$/.test(path))
  .map((path) => (statSync(path).isDirectory() ? `${path}/**/*.ts` : path));
if (mutated.length === 0) {
  console.log("No file of src has changed since main; name files or folders to try them.");
  process.exit(0);
}
const parts = Object.keys(TESTS).filter((part) => paths.some((path) => path.startsWith(part) || part.startsWith(path)));
const rooms = new Set(
  paths.map((path) =>
    path
      .split("/")
      .slice(0, parts.some((part) => path.startsWith(`${part}/`)) ? 3 : 2)
      .join("/"),
  ),
);
const tests = [
  ...parts.flatMap((part) => [`${part}/**/*.test.ts`, ...TESTS[part]]),
  ...[...rooms].map((room) => `${room}/**/*.test.ts`),
];

const require = createRequire(import.meta.url);
try {
  require.resolve("@stryker-mutator/core/package.json");
} catch {
  const packages = ["core", "vitest-runner"].map((name) => `@stryker-mutator/${name}@${VERSION}`);
  execFileSync("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], {
    stdio: "inherit",
  });
}
mkdirSync(".cache", { recursive: true });
const config = {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { configFile: "tools/mutants/vitest.config.ts", related: false },
  mutate: [...mutated, "!src/**/*.test.ts"],
  // Words of messages are held by tests where they matter; changing each would only ask for copies of them.
  mutator: { excludedMutations: ["StringLiteral", "Regex"] },
  ignorePatterns: ["models", "bench", ".cache", "dist", "onnxruntime", "native/build"],
  tempDirName: ".cache/mutants",
  concurrency: 2,
  coverageAnalysis: "perTest",
  timeoutMS: 10_000,
  reporters: ["clear-text", "progress-append-only"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  thresholds: { high: 95, low: BAR, break: BAR },
};
writeFileSync(".cache/mutants.json", JSON.stringify(config));
const { status } = spawnSync("npx", ["stryker", "run", ".cache/mutants.json"], {
  stdio: "inherit",
  env: { ...process.env, MUTANT_TESTS: [...new Set(tests)].join(",") },
});
process.exit(status ?? 1);

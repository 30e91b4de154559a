/**
 * @file `npm run fuzz`: hostile inputs for every reader, each in a process of its own, which may neither crash, hang nor fail by
 * an error that is the program's own. Prints counts per target and the seed; ends with 1 when something was found.
 */
import { fork } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { deriveSeed, MAX_SEED } from "../../src/common/index.ts";
import { targets } from "./targets.ts";

/** An input that takes longer is a hang. Starting the process is not counted. */
const HANG_MS = 5_000;
const START_MS = 60_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: String(Math.floor(Math.random() * MAX_SEED)) },
    target: { type: "string", multiple: true, default: [...targets.keys()] },
    keep: { type: "string", default: join(tmpdir(), "flashvl-fuzz") },
  },
});

interface Outcome {
  inputs: number;
  refused: number;
  fault?: string;
}

async function fuzz(name: string, seed: number, seconds: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), `flashvl-fuzz-${name}-`));
  const child = fork(
    fileURLToPath(new URL("child.ts", import.meta.url)),
    [name, String(seed), String(seconds), folder],
    {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  );
  const outcome: Outcome = { inputs: 0, refused: 0 };
  let errors = "";
  let done = false;
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const hang = () => {
    outcome.fault = "no sign of life for five seconds";
    child.kill("SIGKILL");
  };
  let watch = setTimeout(hang, START_MS);
  child.on("message", (message: Partial<Outcome> & { done?: boolean }) => {
    clearTimeout(watch);
    done ||= message.done === true;
    Object.assign(outcome, { inputs: message.inputs ?? 0, refused: message.refused ?? 0 });
    if (message.fault !== undefined) outcome.fault = message.fault;
    if (!done) watch = setTimeout(hang, HANG_MS);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("exit", (...how) => resolve(how)),
  );
  clearTimeout(watch);
  if (!done) outcome.fault ??= `the process ended with ${signal ?? code}: ${errors}`;
  if (outcome.fault !== undefined) {
    await mkdir(values.keep, { recursive: true });
    await copyFile(join(folder, "input"), join(values.keep, `${name}-${seed}`)).catch(() => {});
  }
  await rm(folder, { recursive: true, force: true });
  return outcome;
}

const unknown = values.target.find((name) => !targets.has(name));
if (unknown !== undefined)
  throw new Error(`There is no target "${unknown}"; expected one of ${[...targets.keys()].join(", ")}.`);
console.log(`seed ${values.seed}`);
const each = Number(values.seconds) / values.target.length;
let [inputs, faults] = [0, 0];
for (const name of values.target) {
  // The seed that is printed gives a target the same inputs whether it runs alone or with the others.
  const outcome = await fuzz(name, deriveSeed(Number(values.seed), [...targets.keys()].indexOf(name)), each);
  inputs += outcome.inputs;
  console.log(
    `${name.padEnd(14)} ${String(outcome.inputs).padStart(8)} inputs ${String(outcome.refused).padStart(8)} refused${outcome.fault === undefined ? "" : "  FAULT"}`,
  );
  if (outcome.fault === undefined) continue;
  faults++;
  console.log(`  ${outcome.fault}\n  The input is kept in ${values.keep}, by name of the target and seed.`);
}
console.log(`${inputs} inputs, ${faults} of ${values.target.length} targets with a fault`);
process.exitCode = faults > 0 ? 1 : 0;

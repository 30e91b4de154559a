/**
 * @file `npm run faults`: commands are killed, stopped, doubled, and run on full and broken disks and under clocks that jump, at
 * random moments. Afterwards the same command must end, with the same results to the bit as without faults, and leave nothing
 * half-done behind. Needs a build (`npm run build`); disks need gcc on Linux.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MAX_SEED, Random } from "../../src/common/index.ts";
import { type Command, openCommands, resultsOf } from "./commands.ts";

const FAULTS = ["kill", "stop", "two at once", "enospc", "eio", "clock"] as const;
type Fault = (typeof FAULTS)[number];
const ON_DISK: readonly Fault[] = ["enospc", "eio"];
const CLOCK = new URL("clock.mjs", import.meta.url).href;
const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** Exit codes with which a command may say that it could not go on. */
const DISK_FULL = 7;
const IN_USE = 2;
/** A command that takes longer hangs. */
const HANG_MS = 60_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: String(Math.floor(Math.random() * MAX_SEED)) },
    verbose: { type: "boolean", default: false },
    command: { type: "string", multiple: true },
  },
});
if (!existsSync(MAIN)) throw new Error("There is no build to try faults on; run npm run build first.");
const work = await mkdtemp(join(tmpdir(), "flashvl-faults-"));
const random = new Random(Number(values.seed));

/** The preload library; undefined where there is no compiler for it. */
function buildShim(): string | undefined {
  if (process.platform !== "linux" || spawnSync("gcc", ["--version"]).error) return undefined;
  const library = join(work, "shim.so");
  execFileSync("gcc", [
    "-shared",
    "-fPIC",
    "-O1",
    "-o",
    library,
    fileURLToPath(new URL("shim.c", import.meta.url)),
    "-ldl",
  ]);
  return library;
}

interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  ms: number;
}

/** Starts the command; `touch` may do something to the process. */
async function run(
  command: Command,
  folder: string,
  again: boolean,
  env: Record<string, string> = {},
  touch?: (pid: number) => unknown,
): Promise<Ended> {
  const began = performance.now();
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FLASHVL|HF)_/.test(name)));
  const child = spawn(process.execPath, [MAIN, ...command.args(folder, again)], {
    env: { ...clean, FLASHVL_CACHE: join(folder, "cache"), ...command.env?.(folder), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-600);
  });
  const hang = setTimeout(() => {
    stderr += `It did not end within ${HANG_MS / 1000} seconds.`;
    child.kill("SIGABRT");
  }, HANG_MS);
  const touched = touch?.(child.pid!);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...how) => resolve(how)),
  );
  await touched;
  clearTimeout(hang);
  return { code, signal, stdout, stderr, ms: performance.now() - began };
}

/** What went wrong, in words; empty when nothing did. */
async function tryOnce(
  command: Command,
  fault: Fault,
  reference: Reference,
  shim: string | undefined,
): Promise<string[]> {
  const folder = await mkdtemp(join(work, `${command.name}-`));
  const wrong: string[] = [];
  const moment = random.uniform() * reference.ms;
  let ended: Ended[];
  if (fault === "kill")
    ended = [await run(command, folder, false, {}, (pid) => sleep(moment).then(() => signalled(pid, "SIGKILL")))];
  else if (fault === "stop")
    ended = [
      await run(command, folder, false, {}, async (pid) => {
        await sleep(moment);
        signalled(pid, "SIGSTOP");
        await sleep(300);
        signalled(pid, "SIGCONT");
      }),
    ];
  else if (fault === "two at once")
    ended = await Promise.all([run(command, folder, true), sleep(moment / 4).then(() => run(command, folder, true))]);
  else {
    const after = String(random.below(reference.changes + 1));
    const env: Record<string, string> =
      fault === "clock"
        ? {
            NODE_OPTIONS: `--import=${CLOCK}`,
            FAULT_MS: String(moment),
            FAULT_SECONDS: random.below(2) === 0 ? "7200" : "-7200",
          }
        : { LD_PRELOAD: shim!, FAULT: fault, FAULT_DIR: folder, FAULT_AFTER: after };
    ended = [await run(command, folder, false, env)];
    const [{ code }] = ended as [Ended];
    if (fault === "enospc" && code !== 0 && code !== DISK_FULL)
      wrong.push(`a full disk ended with ${code}, expected ${DISK_FULL}: ${ended[0]!.stderr}`);
    if (fault === "clock" && code !== 0)
      wrong.push(`a clock that jumps ended the command with ${code}: ${ended[0]!.stderr}`);
  }
  for (const { code, signal, stderr } of ended) {
    if (signal !== null && !(fault === "kill" && signal === "SIGKILL")) wrong.push(`ended by ${signal}: ${stderr}`);
    if (fault === "stop" && code !== 0) wrong.push(`ended with ${code} after it had been stopped: ${stderr}`);
    if (fault === "two at once" && code !== 0 && code !== IN_USE)
      wrong.push(`one of two ended with ${code}: ${stderr}`);
    if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) wrong.push(`a stack trace: ${stderr}`);
  }
  const last = await run(command, folder, true);
  if (last.code !== 0) wrong.push(`afterwards it ends with ${last.signal ?? last.code}: ${last.stderr}`);
  else {
    const { results, remains } = await resultsOf(command, folder, last.stdout);
    for (const path of new Set([...results.keys(), ...reference.results.keys()]))
      if (results.get(path) !== reference.results.get(path)) wrong.push(`another result: ${path}`);
    if (remains.length > 0) wrong.push(`left behind: ${remains.join(", ")}`);
  }
  await rm(folder, { recursive: true, force: true });
  return wrong;
}

function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

interface Reference {
  results: Map<string, string>;
  ms: number;
  /** About how many changes to the disk it makes. */
  changes: number;
}

async function referenceOf(command: Command): Promise<Reference> {
  const folder = join(work, `${command.name}-reference`);
  await mkdir(folder);
  const ended = await run(command, folder, false);
  if (ended.code !== 0) throw new Error(`${command.name} fails without any fault: ${ended.stderr}`);
  // Once more, as after a fault: what a run that is done already prints.
  const again = await run(command, folder, true);
  const { results } = await resultsOf(command, folder, again.stdout);
  await rm(folder, { recursive: true });
  return { results, ms: ended.ms, changes: 4 * results.size + 30 };
}

console.log(`seed ${values.seed}`);
const shim = buildShim();
if (!shim) console.log("no faults of disks: they need gcc on Linux");
const { commands, close } = await openCommands(await mkdtemp(join(work, "inputs-")));
const chosen = commands.filter(({ name }) => values.command?.includes(name) ?? true);
const until = performance.now() + Number(values.seconds) * 1000;
const counts = new Map<string, number>();
let [tries, failures] = [0, 0];
try {
  const references = new Map<Command, Reference>();
  for (const command of chosen) references.set(command, await referenceOf(command));
  while (performance.now() < until) {
    const command = chosen[random.below(chosen.length)]!;
    const fault = FAULTS[random.below(FAULTS.length)]!;
    if (ON_DISK.includes(fault) && !shim) continue;
    const wrong = await tryOnce(command, fault, references.get(command)!, shim);
    tries++;
    counts.set(`${command.name}, ${fault}`, (counts.get(`${command.name}, ${fault}`) ?? 0) + 1);
    if (wrong.length > 0) failures++;
    if (values.verbose) console.log(`${command.name}, ${fault}`);
    for (const one of wrong) console.log(`FAULT ${command.name}, ${fault}: ${one.trimEnd()}`);
  }
} finally {
  await close();
  await rm(work, { recursive: true, force: true });
}
for (const [name, count] of [...counts].sort()) console.log(`${name.padEnd(24)} ${String(count).padStart(5)}`);
console.log(`${tries} faults, ${failures} with another outcome than promised`);
process.exitCode = failures > 0 ? 1 : 0;

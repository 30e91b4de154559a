/** @file `npm run bench`: presets and peers in alternation on one random checkpoint; writes RESULTS.md, results.json and a plot. */
import { execFile } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import {
  availableKernels,
  compileCheckpoint,
  openModelCheckpoint,
  type Preset,
  presetGraphs,
} from "../../src/compile/index.ts";
import { ExternalData, type GraphOutputs, serialize, sourceName } from "../../src/graph/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { describeMachine, machineLine } from "../machine.ts";
import { writeSection } from "../results-section.ts";
import { withDisturbance } from "./disturbance.ts";
import type { CostOptions, Costs } from "./measure-costs.ts";
import type { MeasureOptions, PresetTimes } from "./measure-preset.ts";
import { plotMeasured } from "./plot.ts";
import { absolutes, type Measured, type PeerTimes, ratios, tables } from "./summary.ts";
import { makeCheckpoint } from "./workload.ts";
import { type GgufType, writeGguf } from "./write-gguf.ts";

const HELP = `Compares presets with llama.cpp and PyTorch on random weights of the published sizes.

  --checkpoint DIR   the random checkpoint; made if it is not there (default in the temporary folder; 4.6 GB)
  --cache DIR        compiled graphs and GGUF files (default in the temporary folder)
  --presets A,B      default auto,int8
  --repeats N        turns that presets and peers take (default 3)
  --rounds N         measurements in each turn (default 3)
  --tokens N         tokens per answer (default 32)
  --threads N        default: all cores
  --peers A,B        q4, q8, pytorch (default all three; "none" measures the presets alone)

Peers: run \`npm install\` in bench/peers for llama.cpp; PyTorch is used where python3 has torch and transformers.`;

/** Tokens of a prompt with one picture and a short question. */
const PROMPT_TOKENS = 290;
const CONCURRENT = [1, 2, 4, 8, 16];
const CONTEXTS = [256, 1024, 4096, 8192];
const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const LIMIT = { maxBuffer: 1 << 26 };

const { values } = parseArgs({
  options: {
    checkpoint: { type: "string", default: join(tmpdir(), "flashvl-2b") },
    cache: { type: "string", default: join(tmpdir(), "flashvl-2b-cache") },
    presets: { type: "string", default: "auto,int8" },
    repeats: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "32" },
    threads: { type: "string", default: `${availableParallelism()}` },
    peers: { type: "string", default: "q4,q8,pytorch" },
    help: { type: "boolean", default: false },
  },
});
const [repeats, rounds, newTokens, threads] = [values.repeats, values.rounds, values.tokens, values.threads].map(
  Number,
) as [number, number, number, number];

/** The last line of a program's output, as JSON; or the line in which it says what is wrong. */
async function measured<T>(program: string, args: string[]): Promise<T | string> {
  try {
    const { stdout } = await run(program, args, LIMIT);
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    const lines = stderr.trim().split("\n");
    return lines.find((line) => line.includes("Error")) ?? (lines.at(-1) || message);
  }
}

/** What a step in the middle of an answer reads: all weights, and the keys and values of the positions before it. */
function tokenBytes(decode: GraphOutputs): number {
  const data = new ExternalData("weights.data");
  const { inputs } = serialize(decode, data);
  // Rotary tables are read in part only.
  const weights = [...data.places].reduce((sum, [name, { bytes }]) => sum + (name.startsWith("rope.") ? 0 : bytes), 0);
  const perPosition = inputs
    .filter((value) => sourceName(value).startsWith("past."))
    .reduce(
      (sum, { dtype, shape }) => sum + (shape[1] as number) * (shape[3] as number) * (dtype === "float16" ? 2 : 4),
      0,
    );
  return weights + perPosition * (PROMPT_TOKENS + newTokens / 2);
}

async function main(): Promise<void> {
  await makeCheckpoint(values.checkpoint);
  const { checkpoint, config } = await openModelCheckpoint(values.checkpoint);
  const presets = values.presets.split(",") as Preset[];
  const found: Measured = {
    ours: {},
    peers: {},
    tokenBytes: {},
    diskBytes: {},
    others: {},
    costs: {},
  };
  for (const preset of presets) {
    console.error(`compile ${preset}`);
    const options = { preset, runtime: nativeRuntime(), cacheDir: values.cache };
    const { folder } = await compileCheckpoint(checkpoint, config, options);
    found.diskBytes[preset] = statSync(join(folder, "weights.data")).size;
    found.tokenBytes[preset] = tokenBytes(
      presetGraphs(preset, config, { kernels: availableKernels(nativeRuntime()) }).decode,
    );
  }
  const gguf = async (type: GgufType): Promise<string> => {
    const path = join(values.cache, `text-${type}.gguf`);
    if (!existsSync(path)) await writeGguf(path, checkpoint, config, type);
    return path;
  };
  const numbers = [PROMPT_TOKENS, newTokens, rounds, threads].map(String);
  const peers: Record<string, () => Promise<PeerTimes | string>> = {};
  const files = new Map<GgufType, string>();
  for (const type of ["Q4_0", "Q8_0"] as const)
    peers[`llama.cpp ${type}`] = async () =>
      existsSync(here("../peers/node_modules/node-llama-cpp"))
        ? measured("node", [here("../peers/llama.mjs"), files.get(type)!, ...numbers])
        : "node-llama-cpp is not installed in bench/peers";
  peers["pytorch bf16"] = () =>
    measured("python3", [here("../peers/pytorch.py"), join(values.checkpoint, "config.json"), ...numbers]);

  const noteOthers = (name: string, others: number | undefined) => {
    found.others[name] = [...(found.others[name] ?? []), others];
  };
  const wanted = values.peers.split(",");
  const keys: Record<string, string> = { "llama.cpp Q4_0": "q4", "llama.cpp Q8_0": "q8", "pytorch bf16": "pytorch" };
  for (const name of Object.keys(peers)) if (!wanted.includes(keys[name]!)) found.peers[name] = "left out of this run";

  // Writing a file is not part of anybody's time.
  for (const type of ["Q4_0", "Q8_0"] as const)
    if (found.peers[`llama.cpp ${type}`] === undefined && existsSync(here("../peers/node_modules")))
      files.set(type, await gguf(type));

  const timePreset = async (preset: Preset): Promise<void> => {
    const paths = { checkpoint: values.checkpoint, cacheDir: values.cache };
    const options: MeasureOptions = { ...paths, preset, threads, rounds, newTokens, concurrent: CONCURRENT };
    const args = ["--import", "tsx", here("measure-preset.ts"), JSON.stringify(options)];
    const { result: times, others } = await withDisturbance(() => measured<PresetTimes>(process.execPath, args));
    if (typeof times === "string") throw new Error(`${preset} failed: ${times}`);
    noteOthers(`flashvl ${preset}`, others);
    found.ours[preset] = [...(found.ours[preset] ?? []), times];
  };
  const timePeer = async (name: string): Promise<void> => {
    const { result: times, others } = await withDisturbance(peers[name]!);
    noteOthers(name, others);
    found.peers[name] =
      typeof times === "string" ? times : [...((found.peers[name] as PeerTimes[] | undefined) ?? []), times];
  };
  // Whoever is compared is measured side by side: each preset, then the peers of its precision.
  const rivals: Record<string, string[]> = { auto: ["llama.cpp Q4_0"], int8: ["llama.cpp Q8_0"] };
  const inOrder = presets.flatMap((preset) => [preset, ...(rivals[preset] ?? [])]);
  const turn = [...inOrder, ...Object.keys(peers).filter((name) => !inOrder.includes(name))];
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const name of turn) {
      // What was missing in the first turn is missing in all.
      if (typeof found.peers[name] === "string") continue;
      console.error(`turn ${repeat + 1} of ${repeats}: ${name}`);
      await (name in peers ? timePeer(name) : timePreset(name as Preset));
    }
  if (presets.includes("auto"))
    for (const count of new Set([threads, 1])) {
      console.error(`costs with ${count} threads`);
      // One thread takes long over long contexts, and what grows is the same.
      const contexts = count === 1 ? CONTEXTS.slice(0, 2) : CONTEXTS;
      const paths = { checkpoint: values.checkpoint, cacheDir: values.cache };
      const options: CostOptions = { ...paths, preset: "auto", threads: count, contexts };
      const args = ["--import", "tsx", here("measure-costs.ts"), JSON.stringify(options)];
      const costs = await measured<Costs>(process.execPath, args);
      if (typeof costs === "string") throw new Error(`costs with ${count} threads failed: ${costs}`);
      found.costs[count] = costs;
    }
  await checkpoint.close();
  write(found, await plotMeasured(found));
}

function write(found: Measured, plot: string): void {
  const machine = describeMachine();
  const summary = { ratios: ratios(found), absolute: absolutes(found) };
  writeFileSync(here("../results.json"), `${JSON.stringify({ ...summary, machine, measured: found }, null, 2)}\n`);
  writeFileSync(here("../engine.svg"), plot);
  const settings = `${repeats} turns of ${rounds} measurements, ${threads} threads`;
  writeSection(
    "engine",
    `## Presets and peers\n\nRandom weights of FlashVL-2B-Static, \`npm run bench\`; ${machineLine(machine)}; ${settings}.\n\n${tables(found)}\n\n![Medians](engine.svg)`,
  );
  console.log(JSON.stringify(summary, null, 2));
}

if (values.help) console.log(HELP);
else await main();

/** @file `tsx bench/gpu/main.ts`: random weights of the published sizes on a GPU, alone and with many requests at once. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Preset } from "../../src/compile/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import { throughput } from "../engine/concurrent.ts";
import { median } from "../engine/median.ts";
import { makeCheckpoint, picture, question, withoutEnd } from "../engine/workload.ts";
import { describeMachine } from "../machine.ts";
import { writeSection } from "../results-section.ts";
import { adapterName, memoryInUse } from "./adapter.ts";
import { type GpuResults, type GpuTimes, markdown } from "./report.ts";

const HELP = `Measures random weights of the published sizes on a GPU; writes bench/gpu.json and bench/RESULTS.md.

  --device NAME      webgpu or cuda (default webgpu)
  --presets A,B      default fp16,int4; each in a process of its own
  --checkpoint DIR   the random checkpoint; made if it is not there (default in the temporary folder; 4.6 GB)
  --cache DIR        compiled graphs (default in the temporary folder)
  --requests A,B     numbers of requests at once (default 1,2,4,8,16,32,64)
  --tokens N         tokens of each answer (default 64)
  --rounds N         answers to a picture each (default 5)
  --python PROGRAM   a Python with torch (CUDA) and transformers, for PyTorch on the same card
  --results FILE     default bench/gpu.json
  --only PRESET      this preset, in this process`;

const { values } = parseArgs({
  options: {
    device: { type: "string", default: "webgpu" },
    presets: { type: "string", default: "fp16,int4" },
    checkpoint: { type: "string", default: join(tmpdir(), "flashvl-2b") },
    cache: { type: "string", default: join(tmpdir(), "flashvl-2b-cache") },
    requests: { type: "string", default: "1,2,4,8,16,32,64" },
    tokens: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    results: { type: "string", default: fileURLToPath(new URL("../gpu.json", import.meta.url)) },
    python: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** Tokens of a prompt with one picture and a short question, for PyTorch. */
const PROMPT_TOKENS = 290;

async function measure(preset: Preset): Promise<GpuTimes> {
  const { checkpoint, cache: cacheDir } = values;
  const requests = values.requests.split(",").map(Number);
  const before = memoryInUse();
  const began = performance.now();
  const device = values.device as Device;
  // Contexts of the size that a conversation about a picture has, so that 64 of them fit a card.
  const limits = { maxBatch: Math.max(...requests), maxContext: 1024, prefillChunk: 512 };
  await using model = await FlashVL.fromPretrained(checkpoint, { preset, device, cacheDir, ...limits });
  const readyS = (performance.now() - began) / 1000;
  const options = { maxNewTokens: Number(values.tokens), ...withoutEnd(model) };
  const rounds = {
    imageMs: [] as number[],
    prefillMs: [] as number[],
    ttftMs: [] as number[],
    tokenMs: [] as number[],
  };
  let firstMs = 0;
  let promptTokens = 0;
  for (let round = 0; round <= Number(values.rounds); round++) {
    const { timings, usage } = await model.generate(picture(round), [question(round)], options);
    promptTokens = usage.promptTokens;
    // The first answer waits for shaders to be compiled.
    if (round === 0) firstMs = timings.timeToFirstTokenMs;
    else {
      rounds.imageMs.push(timings.imageMs);
      rounds.prefillMs.push(timings.prefillMs);
      rounds.ttftMs.push(timings.timeToFirstTokenMs);
      rounds.tokenMs.push(timings.perTokenMs);
    }
    console.error(`${preset} answer ${round}: ${JSON.stringify(timings)}`);
  }
  const together: Record<number, number> = {};
  const overall: Record<number, number> = {};
  for (const count of requests) {
    // Twice: shaders for a number of rows are compiled the first time.
    await throughput(model, count, { ...options, maxNewTokens: 4 });
    const found = await throughput(model, count, options);
    together[count] = found.together;
    overall[count] = found.overall;
    console.error(`${preset} ${count} at once: ${found.together.toFixed(1)} tokens/s`);
  }
  const after = memoryInUse();
  const memoryBytes = before === undefined || after === undefined ? undefined : after - before;
  const medians = {
    imageMs: median(rounds.imageMs),
    prefillMs: median(rounds.prefillMs),
    ttftMs: median(rounds.ttftMs),
    tokenMs: median(rounds.tokenMs),
  };
  return { readyS, firstMs, promptTokens, ...medians, together, overall, memoryBytes };
}

async function main(): Promise<void> {
  await makeCheckpoint(values.checkpoint);
  if (values.only === "pytorch") return save({ peers: pytorch() });
  if (values.only === undefined) {
    // A process each: what a preset takes of the card's memory goes with it.
    const script = fileURLToPath(import.meta.url);
    for (const one of [...values.presets.split(","), ...(values.python ? ["pytorch"] : [])]) {
      const args = [...process.execArgv, script, ...process.argv.slice(2), "--only", one];
      const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
      if (status !== 0) throw new Error(`${one} ended with ${status}.`);
    }
    return;
  }
  save({ presets: { [values.only]: await measure(values.only as Preset) } });
}

/** PyTorch in bf16 on the same card, with random weights of the same sizes. */
function pytorch(): GpuResults["peers"] {
  const script = fileURLToPath(new URL("../peers/pytorch.py", import.meta.url));
  const numbers = [PROMPT_TOKENS, 64, 3, availableParallelism()].map(String);
  const args = [script, join(values.checkpoint, "config.json"), ...numbers, "cuda"];
  const { status, stdout, stderr } = spawnSync(values.python ?? "python3", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`PyTorch ended with ${status}: ${stderr.trim().split("\n").at(-1)}`);
  const { towerMs, prefillMs, tokenMs } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, number[]>;
  const times = { imageMs: median(towerMs!), prefillMs: median(prefillMs!), tokenMs: median(tokenMs!) };
  return { "PyTorch bf16 (transformers, eager)": times };
}

/** Adds to the results of earlier processes. */
function save({ presets, peers }: Partial<GpuResults>): void {
  const known = existsSync(values.results)
    ? (JSON.parse(readFileSync(values.results, "utf8")) as GpuResults)
    : undefined;
  const results: GpuResults = {
    device: values.device,
    adapter: adapterName(),
    machine: describeMachine(),
    tokens: Number(values.tokens),
    presets: { ...known?.presets, ...presets },
    peers: { ...known?.peers, ...peers },
  };
  writeFileSync(values.results, `${JSON.stringify(results, null, 2)}\n`);
  writeSection("gpu", markdown(results));
}

if (values.help) console.log(HELP);
else await main();

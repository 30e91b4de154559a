/** @file `tsx bench/published-size.ts --photo FILE`: the published sizes in float32, from random weights to streamed words. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run } from "../src/cli/run.ts";
import type { GenerateResult } from "../src/engine/index.ts";
import { FlashVL } from "../src/node/index.ts";
import { loadImage, type Message } from "../src/processor/index.ts";
import { describeMachine, type Machine, machineLine } from "./machine.ts";
import { writeSection } from "./results-section.ts";

const HELP = `Measures random weights of the published sizes on a photograph; writes bench/published-size.json and bench/RESULTS.md.

  --photo FILE        a photograph
  --checkpoint DIR    the random checkpoint; made if it is not there (default in the temporary folder; 4.6 GB)
  --cache DIR         compiled graphs (default in the temporary folder; 9.3 GB)
  --preset NAME       precision (default fp32)
  --tokens N          longest answer (default 24)
  --only STEP         init, compile, compiled-again or chat; without it all, each in a process of its own`;

const STEPS = ["init", "compile", "compiled-again", "chat"] as const;
type Step = (typeof STEPS)[number];

interface Turn {
  promptTokens: number;
  cachedTokens: number;
  tokens: number;
  imageMs: number;
  prefillMs: number;
  timeToFirstTokenMs: number;
  perTokenMs: number;
}

interface Measured {
  machine: Machine;
  preset: string;
  checkpointBytes: number;
  init?: { seconds: number; peakBytes: number };
  compile?: { seconds: number; peakBytes: number };
  compiledAgain?: { seconds: number };
  chat?: {
    photo: { bytes: number; width: number; height: number };
    readySeconds: number;
    readyBytes: number;
    peakBytes: number;
    first: Turn;
    again: Turn;
    second: Turn;
  };
}

const { values } = parseArgs({
  options: {
    photo: { type: "string" },
    checkpoint: { type: "string", default: join(tmpdir(), "flashvl-2b") },
    cache: { type: "string", default: join(tmpdir(), "flashvl-2b-cache") },
    preset: { type: "string", default: "fp32" },
    tokens: { type: "string", default: "24" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const JSON_FILE = fileURLToPath(new URL("published-size.json", import.meta.url));

async function measure(step: Step, photo: string): Promise<void> {
  const { checkpoint, cache, preset } = values;
  if (step === "init" && existsSync(checkpoint)) return console.log(`${checkpoint} is there already`);
  const before = existsSync(JSON_FILE) ? (JSON.parse(readFileSync(JSON_FILE, "utf8")) as Measured) : undefined;
  const measured: Measured = { ...before, machine: describeMachine(), preset, checkpointBytes: 0 };
  if (step === "init") measured.init = await command("init", "--like", "FlashVL-2B-Static", checkpoint, "--seed", "1");
  if (step === "compile") measured.compile = await command("compile", checkpoint, "--preset", preset, "--cache", cache);
  if (step === "compiled-again")
    measured.compiledAgain = await command("compile", checkpoint, "--preset", preset, "--cache", cache);
  if (step === "chat") measured.chat = await chat(checkpoint, cache, photo);
  measured.checkpointBytes = statSync(join(checkpoint, "model.safetensors")).size;
  writeFileSync(JSON_FILE, `${JSON.stringify(measured, null, 2)}\n`);
  writeSection("published-size", markdown(measured));
}

/** Runs a command of the command line in this process. */
async function command(...args: string[]): Promise<{ seconds: number; peakBytes: number }> {
  const began = performance.now();
  const code = await run(args);
  if (code !== 0) throw new Error(`flashvl ${args.join(" ")} ended with ${code}.`);
  return { seconds: (performance.now() - began) / 1000, peakBytes: peakBytes() };
}

async function chat(checkpoint: string, cache: string, photo: string): Promise<Measured["chat"]> {
  const began = performance.now();
  const options = { preset: values.preset as "fp32", cacheDir: cache };
  await using model = await FlashVL.fromPretrained(checkpoint, options);
  const readySeconds = (performance.now() - began) / 1000;
  const readyBytes = process.memoryUsage.rss();
  const ask = async (messages: Message[]): Promise<GenerateResult> => {
    for await (const part of model.stream(photo, messages, { maxNewTokens: Number(values.tokens) })) {
      if (part.done) {
        process.stdout.write("\n");
        return part.result;
      }
      process.stdout.write(part.text);
    }
    throw new Error("The answer ended without a result.");
  };
  const question: Message = { role: "user", content: "What can be seen here, and what is remarkable about it?" };
  const first = await ask([question]);
  const said: Message = { role: "assistant", content: first.text };
  const second = await ask([question, said, { role: "user", content: "And what stands in front?" }]);
  // Another opening: the picture is known, the prompt behind it is not.
  const again = await ask([{ role: "user", content: "Describe the light, the colours, and the time of day." }]);
  const { width, height } = await loadImage(photo);
  return {
    photo: { bytes: statSync(photo).size, width, height },
    readySeconds,
    readyBytes,
    peakBytes: peakBytes(),
    first: turn(first),
    second: turn(second),
    again: turn(again),
  };
}

const turn = ({ usage, timings, tokens }: GenerateResult): Turn => ({
  promptTokens: usage.promptTokens,
  cachedTokens: usage.cachedTokens,
  tokens: tokens.length,
  imageMs: timings.imageMs,
  prefillMs: timings.prefillMs,
  timeToFirstTokenMs: timings.timeToFirstTokenMs,
  perTokenMs: timings.perTokenMs,
});

/** Largest resident memory of this process; mapped files that were read count too. */
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

function markdown({ machine, preset, checkpointBytes, init, compile, compiledAgain, chat }: Measured): string {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const s = (seconds: number) => `${seconds.toFixed(1)} s`;
  const ms = (value: number) => `${Math.round(value)} ms`;
  const rows: string[][] = [];
  if (init)
    rows.push([`\`flashvl init\` (${gib(checkpointBytes)})`, `${s(init.seconds)}, peak ${gib(init.peakBytes)}`]);
  if (compile) {
    const limit = gib(checkpointBytes + 2 ** 30);
    rows.push([
      "`flashvl compile`",
      `${s(compile.seconds)}, peak memory ${gib(compile.peakBytes)} (bar: below ${limit})`,
    ]);
  }
  if (compiledAgain) rows.push(["`flashvl compile`, already compiled", s(compiledAgain.seconds)]);
  if (chat) {
    const { photo, first, second, again } = chat;
    const mb = (photo.bytes / 1e6).toFixed(1);
    const ttft = ({ timeToFirstTokenMs, imageMs, prefillMs, promptTokens, cachedTokens }: Turn) =>
      `${ms(timeToFirstTokenMs)} (picture ${ms(imageMs)}, prompt ${ms(prefillMs)}; ${cachedTokens} of ${promptTokens} tokens known)`;
    rows.push(
      ["start from cache to ready", `${s(chat.readySeconds)}, ${gib(chat.readyBytes)} resident`],
      [`first question, JPEG of ${photo.width}×${photo.height}, ${mb} MB: time to first token`, ttft(first)],
      ["per token", ms(first.perTokenMs)],
      ["second turn: time to first token", ttft(second)],
      ["second turn / first", (second.timeToFirstTokenMs / first.timeToFirstTokenMs).toFixed(3)],
      ["another question about the picture: time to first token", ttft(again)],
      ["peak memory while answering", gib(chat.peakBytes)],
    );
  }
  const table = ["| | |", "|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
  return `## Published size, ${preset}\n\nRandom weights of FlashVL-2B-Static (2,301,306,304 parameters), \`tsx bench/published-size.ts\`; ${machineLine(machine)}. One run.\n\n${table}`;
}

// Last, when everything above is defined.
if (values.help || values.photo === undefined) console.log(HELP);
else if (values.only === undefined) {
  // A peak of memory belongs to a process: every step gets its own.
  const script = fileURLToPath(import.meta.url);
  for (const step of STEPS) {
    const args = [...process.execArgv, script, ...process.argv.slice(2), "--only", step];
    const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
  }
} else {
  const step = STEPS.find((one) => one === values.only);
  if (!step) throw new Error(`There is no step "${values.only}"; expected ${STEPS.join(", ")}.`);
  await measure(step, values.photo);
}

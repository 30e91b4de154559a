/** @file `tsx bench/published-family.ts --like InternVL3-1B`: random weights of a family's published size compile, answer and train a LoRA step; prints time and memory of each. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { stringify } from "yaml";
import { run } from "../src/cli/run.ts";
import { FlashVL } from "../src/node/index.ts";
import { runRecipe } from "../src/train/index.ts";

const HELP = `Random weights of a published size, from nothing to a LoRA step; one line of JSON for each step.

  --like NAME     InternVL3-1B, InternVL3-2B, InternVL3.5-1B or FlashVL-2B-Dynamic (default InternVL3-1B)
  --folder DIR    where checkpoint, graphs and run are kept; a temporary folder that is removed at the end when left out
  --only STEP     init, compile, answer or train; without it all, each in a process of its own`;

const STEPS = ["init", "compile", "answer", "train"] as const;
type Step = (typeof STEPS)[number];

/** What a step took. */
export interface StepFigures {
  step: Step;
  seconds: number;
  /** Most memory of the process, mapped files counted. */
  peakBytes: number;
  [more: string]: number | string | undefined;
}

/** A field of /proc/self/status in bytes. */
const memory = (field: string): number =>
  1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? Number.NaN);

/** Most memory of the process itself, mapped files not counted, while `work` runs; sampled, since the kernel keeps no peak of it. */
async function peakWhile<T>(work: Promise<T>): Promise<{ result: T; peakBytes: number }> {
  let peakBytes = memory("RssAnon");
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, memory("RssAnon"));
  }, 10);
  try {
    return { result: await work, peakBytes };
  } finally {
    clearInterval(timer);
  }
}

/** A picture of so many pixels in which every tile is another. */
const photo = (width: number, height: number): Promise<Buffer> =>
  sharp(Buffer.from(Array.from({ length: 48 * 48 * 3 }, (_, i) => (i * 37) % 251)), {
    raw: { width: 48, height: 48, channels: 3 },
  })
    .resize(width, height)
    .png()
    .toBuffer();

/** Answers about one tile and about twelve with a thumbnail. */
async function answer(folder: string): Promise<Record<string, number | undefined>> {
  await using model = await FlashVL.fromPretrained(join(folder, "checkpoint"), { cacheDir: join(folder, "cache") });
  const ask = { role: "user" as const, content: "What is this?" };
  const options = {
    maxNewTokens: 8,
    logitBias: Object.fromEntries(model.config.decoder.eosTokenIds.map((id) => [id, -100])),
  };
  await model.generate(null, [ask], options);
  const loaded = memory("RssAnon");
  const one = await model.generate(await photo(448, 448), [ask], { ...options, maxTiles: 1 });
  const large = await photo(1792, 1344);
  const tiles = await peakWhile(model.pictureTokens(large, { maxTiles: 12 }));
  const many = await model.generate(large, [ask], { ...options, maxTiles: 12 });
  return {
    oneTileTokens: one.usage.imageTokens,
    oneTileFirstTokenMs: one.timings.timeToFirstTokenMs,
    manyTiles: many.usage.imageTiles,
    manyTilesTokens: many.usage.imageTokens,
    manyTilesFirstTokenMs: many.timings.timeToFirstTokenMs,
    /** While twelve tiles and the thumbnail are encoded, above the model that has answered a text. */
    aboveModelBytes: tiles.peakBytes - loaded,
  };
}

/** One step of a LoRA on one picture of one tile. */
async function train(folder: string): Promise<Record<string, number>> {
  writeFileSync(join(folder, "picture.png"), await photo(448, 448));
  writeFileSync(
    join(folder, "data.jsonl"),
    JSON.stringify({ image: "picture.png", question: "What is this?", answer: "A board." }),
  );
  const recipe = {
    stage: "sft",
    model: "checkpoint",
    data: { file: "data.jsonl" },
    steps: 1,
    maxTiles: 1,
    batchSize: 1,
    lora: { rank: 8, alpha: 16 },
    recompute: true,
  };
  writeFileSync(join(folder, "lora.yaml"), stringify(recipe));
  await runRecipe(join(folder, "lora.yaml"), { run: join(folder, "run") });
  const metrics = JSON.parse(readFileSync(join(folder, "run", "metrics.jsonl"), "utf8").split("\n")[0]!) as {
    loss: number;
  };
  return { loss: metrics.loss };
}

async function take(step: Step, like: string, folder: string): Promise<void> {
  const command = async (...args: string[]): Promise<Record<string, number>> => {
    const code = await run(args);
    if (code !== 0) throw new Error(`flashvl ${args.join(" ")} ended with ${code}.`);
    return {};
  };
  const [checkpoint, cache] = [join(folder, "checkpoint"), join(folder, "cache")];
  const began = performance.now();
  const more = await {
    init: () => command("init", "--like", like, checkpoint, "--seed", "1"),
    compile: () => command("compile", checkpoint, "--preset", "auto", "--cache", cache),
    answer: () => answer(folder),
    train: () => train(folder),
  }[step]();
  const figures: StepFigures = {
    step,
    seconds: (performance.now() - began) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    ...more,
  };
  console.log(JSON.stringify(figures));
}

const { values } = parseArgs({
  options: {
    like: { type: "string", default: "InternVL3-1B" },
    folder: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else if (values.only) await take(values.only as Step, values.like, values.folder!);
else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), "flashvl-published-"));
  try {
    for (const step of STEPS) {
      const args = [
        "--import",
        "tsx",
        fileURLToPath(import.meta.url),
        "--like",
        values.like,
        "--folder",
        folder,
        "--only",
        step,
      ];
      const { stdout, status } = spawnSync(process.execPath, args, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (status !== 0) throw new Error(`${step} of ${values.like} failed.`);
      console.log(stdout.trim().split("\n").at(-1));
    }
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

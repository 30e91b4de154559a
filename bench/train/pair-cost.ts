/**
 * @file What an update on a preference pair costs beside one on a single answer of the same length, in processor time, which other
 * programs on the machine do not add to. Writes its section of bench/RESULTS.md with `--write`.
 * usage: npx tsx -C flashvl-source bench/train/pair-cost.ts [--model tiny] [--rounds 5] [--pairs 4] [--write]
 */

import { parseArgs } from "node:util";
import { Random } from "../../src/common/index.ts";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import { defaultModelFolder } from "../../src/node/index.ts";
import { accumulate } from "../../src/train/accumulate.ts";
import { fillInputs } from "../../src/train/data/batches.ts";
import { createDpoStep } from "../../src/train/dpo-step.ts";
import {
  createStepSession,
  type DpoRecipe,
  fillDpo,
  loadParameters,
  nativeTraining,
  type PairSequence,
  parseRecipe,
  type Sequence,
  sftGraph,
  toSequence,
} from "../../src/train/index.ts";
import { describeMachine, machineLine } from "../machine.ts";
import { writeSection } from "../results-section.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    rounds: { type: "string", default: "5" },
    pairs: { type: "string", default: "4" },
    write: { type: "boolean", default: false },
  },
});
const folder = values.model ?? defaultModelFolder();
const [rounds, pairs] = [Number(values.rounds), Number(values.pairs)];
const { checkpoint, config } = await openModelCheckpoint(folder, {});
const store = await loadParameters(config, checkpoint);
await checkpoint.close();
const random = new Random(1);
/** Text between the picture and the answer: a question and the turns' marks. */
const QUESTION = 24;
const WARM_UP = 2;

const tokens = (count: number) => Array.from({ length: count }, () => random.below(config.decoder.vocabSize));
const picture = (frozen: boolean) => {
  const size = frozen ? config.windowTokens * config.decoder.hiddenSize : 3 * config.vision.imageSize ** 2;
  return Float32Array.from({ length: size }, () => random.normal());
};
const prompt = () => [-200, ...Array<number>(config.windowTokens - 1).fill(-201), ...tokens(QUESTION)];
const answered = (before: readonly number[], answer: readonly number[]) => ({
  ids: [...before, ...answer],
  labels: [...before.map(() => -100), ...answer],
});

/** The smallest processor time of a few runs, in ms. */
async function costOf(run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM_UP) least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

async function measure(length: number, train: readonly ("tower" | "adapter" | "decoder")[], shared: number) {
  const trained = store.parameters
    .filter(({ part }) => (train as readonly string[]).includes(part))
    .map(({ name }) => name);
  const frozen = !train.includes("tower");
  const base = { images: pairs, rows: pairs, labels: pairs * length };

  // ---- one answer
  const singles: Sequence[] = Array.from({ length: pairs }, () =>
    toSequence([answered(prompt(), tokens(length))], [picture(false)]),
  );
  const shape = { ...base, length: singles[0]!.ids.length, headChunk: base.labels };
  const on = nativeTraining();
  const sft = await createStepSession(sftGraph(config, shape), store, { on, trained, threads: 1 });
  const weights = sft.inputs.get("weights")!.data as Float32Array;
  const batch = { rows: singles.map((one) => [one]), cursor: 0, trainedTokens: base.labels };
  const single = await costOf(() => {
    fillInputs(sft.inputs, batch, shape, config.windowTokens, (label) => {
      weights[label] = 1 / base.labels;
    });
    return sft.run();
  });
  await sft.dispose();

  // ---- a pair; what both answers begin with stands there once
  const sequences: PairSequence[] = Array.from({ length: pairs }, (_, i) => {
    const [before, begin] = [prompt(), tokens(shared)];
    const both = [0, 1].map(() => answered(before, [...begin, ...tokens(length - shared)]));
    return { ...toSequence(both, [picture(frozen)], [1], true), chosenTokens: length, key: String(i) };
  });
  const longest = Math.max(...sequences.map(({ ids }) => ids.length));
  const keys = parseRecipe({
    stage: "dpo",
    model: folder,
    steps: 1,
    data: { file: "none.jsonl" },
    pairsPerStep: pairs,
    batch: { images: pairs, rows: pairs, length: longest, labels: 2 * base.labels },
    train,
    threads: 1,
    optimizer: { learningRate: 0.001 },
  });
  const recipe = fillDpo(keys as Parameters<typeof fillDpo>[0], config, undefined) as DpoRecipe;
  const step = await createDpoStep(config, { store, trained }, recipe, { mean: 0, updates: 0 });
  const into = accumulate(step.gradients, Number.POSITIVE_INFINITY);
  const sum = { all: -length, shared: -length };
  const pair = await costOf(() => step.run(sequences, () => ({ chosen: sum, rejected: sum }), into));
  await step.dispose();
  return { single, pair, ratio: pair / single };
}

const TRAINED = [
  ["everything", ["tower", "adapter", "decoder"]],
  ["the decoder; the pair's pictures are tokens that are kept", ["decoder"]],
] as const;
const lines: string[] = [];
for (const [what, train] of TRAINED)
  for (const [length, shared] of [
    [32, 0],
    [64, 0],
    [200, 0],
    [200, 100],
  ] as const) {
    const { single, pair, ratio } = await measure(length, train, shared);
    lines.push(
      `| ${what} | ${length} | ${shared} | ${(single / pairs).toFixed(1)} | ${(pair / pairs).toFixed(1)} | ${ratio.toFixed(2)} |`,
    );
    process.stderr.write(`${lines.at(-1)}\n`);
  }
const report = [
  "## A preference pair beside one answer",
  "",
  `\`bench/train/pair-cost.ts\`: processor time of forward and backward, a picture of ${config.windowTokens} tokens and ${QUESTION} of a question, batches of ${pairs}, float32, one thread, the least of ${rounds} runs. ${machineLine(describeMachine())}.`,
  "",
  "| trained | tokens of each answer | of them the same | SFT, ms an answer | DPO, ms a pair | ratio |",
  "|---|---|---|---|---|---|",
  ...lines,
].join("\n");
if (values.write) writeSection("pair-cost", report);
console.log(report);

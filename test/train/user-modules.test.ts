/** @file What a user brings to training by path: a source of data and an auxiliary loss, each a TypeScript module. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { openCheckpoint, openSafetensors } from "../../src/hub/index.ts";
import { parseRecipe, readRecipe, runRecipe } from "../../src/train/index.ts";
import { expectSameCheckpoint, killAt, recordsOf } from "./kill-run.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const USER = fileURLToPath(new URL("./user", import.meta.url));
const SOURCE = join(USER, "source.ts");
const LOSS = join(USER, "colour-loss.ts");
const COLOURS = ["red", "green", "blue"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-user-"));
});
afterAll(() => rm(folder, { recursive: true }));

const common = {
  model: GOLDEN,
  seed: 2,
  data: { source: SOURCE, options: { colours: COLOURS } },
  optimizer: { learningRate: 0.003, schedule: { kind: "constant" } },
  threads: 1,
};
const sft = {
  ...common,
  stage: "sft",
  steps: 6,
  validation: { every: 3, samples: 3 },
  batch: { images: 3, rows: 3, length: 64, labels: 32 },
  accumulate: 2,
  auxiliary: [{ module: LOSS, weight: 0.5, options: { classes: COLOURS.length } }],
  saveEvery: 2,
};
const grpo = {
  ...common,
  stage: "grpo",
  steps: 2,
  validation: { samples: 2 },
  evalEvery: 2,
  batch: { images: 2, rows: 4, length: 96, labels: 64 },
  groupSize: 2,
  promptsPerStep: 2,
  rollout: { maxNewTokens: 6 },
  rewards: [{ name: "accuracy" }],
};

let recipes = 0;
async function recipe(content: object): Promise<string> {
  const path = join(folder, `recipe-${recipes++}.yaml`);
  await writeFile(path, stringify(content));
  return path;
}
const failing = async (content: object) => runRecipe(await recipe(content), { run: join(folder, `bad-${recipes}`) });

test("a run on a source with an auxiliary loss learns both, and goes on after a kill bit for bit", async () => {
  const path = await recipe(sft);
  const [straight, cut] = [join(folder, "straight"), join(folder, "cut")];
  const { last } = await runRecipe(path, { run: straight });
  await killAt(path, cut, 3);
  await runRecipe(path, { run: cut, resume: true });
  const metrics = await recordsOf(straight);
  expect(await recordsOf(cut)).toEqual(metrics);
  await expectSameCheckpoint([straight, cut], 6);

  for (const name of ["loss", "colour_loss"]) expect(metrics.at(-1)![name], name).toBeLessThan(metrics[0]![name]!);
  // Half the cross-entropy of three classes that a new head cannot tell apart.
  expect(metrics[0]!.colour_loss).toBeGreaterThan(0.25);
  expect(metrics[0]!.colour_loss).toBeLessThan(1.5);
  expect(metrics.filter((row) => row.eval_loss !== undefined).map((row) => row.step)).toEqual([3, 6]);

  const state = await openSafetensors(join(last, "training.safetensors"));
  expect(state.tensors.has("weight.colour.weight")).toBe(true);
  await state.close();
  const published = await openCheckpoint(last);
  expect([...published.tensors.keys()].filter((name) => name.includes("colour"))).toEqual([]);
  await published.close();
});

test("weight 0.5 of an auxiliary loss is half its loss, and the answers' loss is the same beside any", async () => {
  const first = async (auxiliary: object[]) => {
    const run = join(folder, `weights-${recipes}`);
    await runRecipe(await recipe({ ...sft, steps: 1, validation: undefined, auxiliary }), { run });
    return (await recordsOf(run))[0]!;
  };
  const options = { classes: COLOURS.length };
  const [none, half, whole] = [
    await first([]),
    await first([{ module: LOSS, weight: 0.5, options }]),
    await first([{ module: LOSS, options }]),
  ];
  expect(none).not.toHaveProperty("colour_loss");
  expect(half.colour_loss! / whole.colour_loss!).toBeCloseTo(0.5, 5);
  for (const { loss } of [half, whole]) expect(loss! / none.loss!).toBeCloseTo(1, 5);
});

test("reinforcement learning asks a source's rows, and scores answers by its task", async () => {
  const run = join(folder, "grpo");
  await runRecipe(await recipe(grpo), { run });
  const metrics = await recordsOf(run);
  expect(metrics.map((row) => row.prompts)).toEqual([2, 4]);
  expect(metrics[1]).toHaveProperty("eval_accuracy");
  const completions = await recordsOf(run, "completions.jsonl");
  expect(completions).toHaveLength(8);
  expect(completions[0]).toMatchObject({ prompt: "Which colour?" });
});

test("paths of modules are relative to the recipe, and so are those that a module resolves", async () => {
  const own = join(folder, "own");
  await mkdir(own);
  await cp(SOURCE, join(own, "source.ts"));
  await writeFile(
    join(own, "where.mjs"),
    'export default (options, { resolve }) => { throw new Error("looked for " + resolve(options.file)); };\n',
  );
  const path = join(own, "recipe.yaml");
  const content = {
    ...sft,
    data: { source: "source.ts" },
    auxiliary: [{ module: "where.mjs", options: { file: "x" } }],
  };
  await writeFile(path, stringify(content));
  const read = await readRecipe(path);
  expect(read.data.source).toBe(join(own, "source.ts"));
  expect(read).toMatchObject({ auxiliary: [{ module: join(own, "where.mjs"), weight: 1 }] });
  await expect(runRecipe(path, { run: join(folder, "where") })).rejects.toThrow(`looked for ${join(own, "x")}`);
});

test.each([
  [
    "an option that the source does not know",
    { data: { source: SOURCE, options: { colors: [] } } },
    /source\.ts.*colors/s,
  ],
  ["a source that is not there", { data: { source: "none.ts" } }, /The data source .*none\.ts is not there/],
  [
    "an option that the loss does not know",
    { auxiliary: [{ module: LOSS, options: { clases: 3 } }] },
    /options: Unrecognized key: "clases"/,
  ],
  [
    "a part that is trained without a rate",
    { optimizer: { learningRate: { tower: 1e-3, adapter: 1e-3, decoder: 1e-3 } } },
    /no rate for "auxiliary", which is trained\. It has tower, adapter, decoder\./,
  ],
  [
    "two losses of one name",
    { auxiliary: [sft.auxiliary[0], sft.auxiliary[0]] },
    /Two auxiliary losses are called "colour"/,
  ],
  [
    "two parameters of one name",
    { auxiliary: [sft.auxiliary[0], { module: LOSS, options: { classes: 3, name: "other" } }] },
    /"other" adds a parameter "colour\.weight"/,
  ],
])("%s is refused", async (_, changes, reason) => {
  await expect(failing({ ...sft, ...changes })).rejects.toThrow(reason);
});

test.each([
  ["no data for its stage", "({ grpo: {} })", sft, /no data for the stage "sft".*\{ sft: \{ samples \} \}/],
  ["nothing at all", "undefined", grpo, /no data for the stage "grpo".*\{ grpo: \{ task, rows \} \}/],
  ["nothing held out", "({ sft: { async *samples() {} } })", sft, /holds nothing out/],
])("a source that gives %s is named", async (name, given, content, reason) => {
  const source = join(folder, `${name.replaceAll(" ", "-")}.mjs`);
  await writeFile(source, `export default () => ${given};\n`);
  await expect(failing({ ...content, data: { source } })).rejects.toThrow(reason);
});

test("a source or a loss that fails during the run is named, with the row", async () => {
  const source = join(folder, "breaks.mjs");
  const failure = 'throw new Error("the camera is off")';
  await writeFile(source, `export default () => ({ sft: { async *samples() { yield* []; ${failure}; } } });\n`);
  const changes = { validation: undefined, auxiliary: [] };
  await expect(failing({ ...sft, ...changes, data: { source } })).rejects.toThrow(
    /breaks\.mjs failed at number 0: the camera is off/,
  );
  const plain = join(USER, "plain.mjs");
  const auxiliary = [{ module: plain }];
  await expect(failing({ ...sft, auxiliary })).rejects.toThrow(
    /The auxiliary loss "plain" cannot fill its inputs from the batch: no depth/,
  );
});

test("a source is closed when the run ends, and when it cannot begin", async () => {
  const source = join(folder, "closing.mjs");
  const log = join(folder, "closed.txt");
  await writeFile(
    source,
    `import { appendFileSync } from "node:fs";
export default () => ({ sft: { async *samples() {}, heldOut: () => [] }, close: () => appendFileSync(${JSON.stringify(log)}, "closed\\n") });\n`,
  );
  await expect(failing({ ...sft, data: { source } })).rejects.toThrow(/holds out nothing/);
  expect(await readFile(log, "utf8")).toBe("closed\n");
  await runRecipe(await recipe({ ...sft, data: { source }, validation: undefined, auxiliary: [] }), {
    run: join(folder, "empty"),
  });
  expect(await readFile(log, "utf8")).toBe("closed\nclosed\n");
});

test.each([
  [{ data: { source: "a.ts", file: "b.jsonl" } }, "found both file and source"],
  [{ data: {} }, "found neither file nor source"],
  [{ data: { file: "b.jsonl", options: {} } }, "data.options: only a data.source has options"],
  [{ data: { source: "a.ts", images: "pictures" } }, "data.images: only a data.file"],
  [{ validation: { file: "b.jsonl" } }, "validation.file"],
  [{ data: { file: "b.jsonl" }, validation: { options: {} } }, "validation.options"],
  [{ auxiliary: [{ module: "a.ts", wieght: 1 }] }, "wieght"],
])("the recipe %j is refused by name", (changes, message) => {
  expect(() => parseRecipe({ ...sft, ...changes })).toThrow(message);
});

test("pairs of a source are trained on and validated with", async () => {
  const { batch, steps, validation } = sft;
  const run = join(folder, "pairs");
  await runRecipe(await recipe({ ...common, stage: "dpo", steps, batch, validation, pairsPerStep: 2 }), { run });
  const metrics = await recordsOf(run);
  expect(metrics.map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(metrics[0]!.loss).toBeCloseTo(Math.LN2, 3);
  expect(metrics[5]!["eval_rewards/margins"]).toBeGreaterThan(0);
});

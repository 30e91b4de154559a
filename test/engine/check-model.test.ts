/** @file Known answers tell which hypothesis a checkpoint was trained under, and later opens use what was found. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openModelCheckpoint, writeChoices } from "../../src/compile/index.ts";
import type { ModelChoices } from "../../src/model/index.ts";
import { checkModel, FlashVL, type KnownAnswer } from "../../src/node/index.ts";
import { encodeSample, parseRecipe, readSampleContext, type SftRecipe, trainSft } from "../../src/train/index.ts";
import { familyFolder } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const folder = temporaryFolder();
const ANSWERS = ["tomato", "potato", "12.5 yuan", "three red circles"];

/** Pictures of four quarters, in which the answer is decided by where the bright one is: it hangs on the order of tokens. */
function picture(bright: number, side: number) {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const quarter = 2 * Math.floor((2 * y) / side) + Math.floor((2 * x) / side);
      data.fill(quarter === bright ? 240 : 20 + 30 * quarter, 3 * (y * side + x), 3 * (y * side + x) + 3);
    }
  return { data, width: side, height: side };
}

/** A golden model trained to give the answers; what was changed in its config for that is taken back afterwards. */
async function trained(name: string, choices: ModelChoices, changes: object, side: number) {
  const [model, source] = [join(folder, name), familyFolder(name)];
  mkdirSync(model);
  for (const file of readdirSync(source).filter((file) => /^(config|tokenizer|added|generation|pre|model)/.test(file)))
    cpSync(join(source, file), join(model, file));
  const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
  writeFileSync(join(model, "config.json"), JSON.stringify({ ...config, ...changes }));
  const known = ANSWERS.map((answer, i): KnownAnswer => ({ image: picture(i, side), question: "What?", answer }));
  const context = await readSampleContext(model, choices);
  async function* samples(start: number) {
    for (let n = start; ; n++) {
      const { image, question, answer } = known[n % known.length]!;
      const asked = [
        { type: "image" as const, image: image! },
        { type: "text" as const, text: question },
      ];
      yield encodeSample(context, [
        { role: "user", content: asked },
        { role: "assistant", content: answer },
      ]);
    }
  }
  const recipe = parseRecipe({
    stage: "sft",
    model,
    iss: choices.iss,
    steps: 25,
    data: { source: "samples.mjs" },
    batch: { images: 20, rows: 4, length: 320, labels: 96 },
    optimizer: { learningRate: 0.003, schedule: { kind: "constant" } },
    saveEvery: 1000,
    threads: 1,
  }) as SftRecipe;
  const { last } = await trainSft(recipe, { run: join(folder, `${name}-run`), samples });
  writeFileSync(join(last, "config.json"), JSON.stringify(config));
  return { last, known };
}

const options = { preset: "fp32", threads: 1 } as const;

describe("the hypothesis under which a model was trained gives its answers the least loss", () => {
  it("of the order of tokens", async () => {
    const { last, known } = await trained("static-tiny", {}, { pixel_shuffle: "column-major" }, 256);
    const cacheDir = join(folder, "cache-order");
    const scores = await checkModel(last, known, { ...options, cacheDir });
    expect(scores.map(({ choices }) => choices.tokenOrder)).toHaveLength(6);
    expect(scores[0]!.choices).toEqual({ tokenOrder: "column-major", systemPrompt: "You are a helpful assistant." });

    const { checkpoint, config } = await openModelCheckpoint(last, { cacheDir });
    expect(config.connector.tokenOrder).toBe("row-major");
    await writeChoices(checkpoint, scores[0]!.choices, cacheDir);
    await checkpoint.close();
    await using model = await FlashVL.fromPretrained(last, { ...options, cacheDir });
    expect(model.config.connector.tokenOrder).toBe("column-major");
    for (const { image, question, answer } of known)
      expect(await model.chat(image, [{ role: "user", content: question }])).toBe(answer);
    const other = await openModelCheckpoint(last, { cacheDir, tokenOrder: "row-major" });
    expect(other.config.connector.tokenOrder).toBe("row-major");
    await other.checkpoint.close();
  });

  it("of the form of stitching", async () => {
    const { last, known } = await trained("iss-tiny", { iss: "stitch" }, {}, 220);
    const scores = await checkModel(last, known.slice(0, 2), { ...options, cacheDir: join(folder, "cache-iss") });
    expect(scores[0]!.choices.iss).toBe("stitch");
    // Its tensors' shapes contradict this form.
    expect(scores.some(({ choices }) => choices.iss === "native")).toBe(false);
  });
});

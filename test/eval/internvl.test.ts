/** @file InternVL models are asked as VLMEvalKit's InternVL adapter asks: texts, tiles, doubled pictures, and its slips in compat mode only. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ContentPart, RgbImage } from "../../src/processor/index.ts";
import { openVlmTask, type PromptStyle } from "../../src/vlmeval/index.ts";
import { runHere } from "../cli/run-cli.ts";
import { familyFolder } from "../engine/support/golden.ts";
import { type Cell, pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

async function asked(name: string, row: Record<string, Cell>, style: PromptStyle = "internvl") {
  const folder = temporaryFolder();
  const path = join(folder, `${name}.tsv`);
  // Columns that scores need and prompts do not.
  const rest = {
    answer: "A",
    choices: "[]",
    question_for_eval: "Q",
    problem_version: "v",
    metadata: "{}",
    category: "c",
    "l2-category": "l",
    answer_option: "A",
    task: "t",
    skills: "[]",
  };
  writeTsv(path, [
    { index: 0, image: await pngBase64(), ID: "g", key: "2steps_1", "knowledge concept": "c", ...rest, ...row },
  ]);
  const task = await openVlmTask(name, { path, prompt: style });
  const row0 = await task.load(0);
  task.close();
  const { images, messages } = task.prompt(row0);
  expect(images).toEqual([]);
  return messages[0]!.content as ContentPart[];
}

/** Texts as they are, pictures with their limit of tiles. */
const written = (parts: readonly ContentPart[]): string =>
  parts.map((part) => (part.type === "image" ? `<image:${part.maxTiles}>` : part.text)).join("");

const options = { A: "cat", B: "dog" };

describe("a question", () => {
  // What InternVLChat.build_prompt and reorganize_prompt make of these rows (VLMEvalKit e8e78f05); a picture's newline is its own.
  it.each<[string, Record<string, Cell>, string]>([
    ["MathVision", { question: "How many?" }, "<image:6>How many?"],
    ["DynaMath", { question: "Slope?", answer_type: "float", qid: 0, varid: 1 }, "<image:6>Slope?"],
    [
      "MathVerse_MINI_Vision_Only",
      { question: "please directly answer the question and provide the correct option letter" },
      "<image:6>please provide the correct option letter",
    ],
    [
      "WeMath",
      { question: "Which?", hint: "Look.", ...options },
      "<image:6>Look.\nWhich?\nA. cat\nB. dog\nAnswer with the option's letter from the given choices directly.",
    ],
    ["WeMath", { question: "哪个?", ...options }, "<image:6>哪个?\nA. cat\nB. dog\n请直接回答选项字母。"],
    [
      "WeMath_COT",
      { question: "Which?", ...options, requirement: "Reason." },
      "<image:6>Question: Which?\nOptions:\nA. cat\nB. dog\n\nReason.",
    ],
    ["MMMU_Pro_10c", { question: "Which?", ...options }, "<image:6>Which?"],
    ["MMMU_Pro_V", { question: "Which?", ...options }, "<image:6>placeholder"],
    ["MathVista_MINI", { question: "Count.", question_type: "free_form", answer_type: "integer" }, "<image:6>Count."],
    ["MMVet", { question: "Why?" }, "<image:6>Why?"],
    ["OCRBench", { question: "Read." }, "<image:24>Read.\nAnswer the question using a single word or phrase."],
    ["DocVQA_VAL", { question: "Who?" }, "<image:18>Who?\nAnswer the question using a single word or phrase."],
    ["ChartQA_TEST", { question: "Max?" }, "<image:12>Max?\nAnswer the question using a single word or phrase."],
    ["POPE", { question: "A dog?", answer: "Yes", category: "c" }, "<image:6>A dog?"],
    [
      "HallusionBench",
      { question: "Same?", answer: "Yes" },
      "<image:6>Same? Please answer yes or no. Answer the question using a single word or phrase.",
    ],
  ])("of %s is asked in the adapter's words %#", async (name, row, text) => {
    expect(written(await asked(name, row))).toBe(text);
  });

  it("with several pictures has them first, numbered, and they share 64 tiles", async () => {
    const image = await pngBase64();
    const several = { image: `['${image}', '${image}']`, question: "Compare <image 1> and <image 2>.", ...options };
    expect(written(await asked("MMMU_DEV_VAL", several))).toBe(
      "Image-1: <image:12>Image-2: <image:12>Compare <image 1> and <image 2>.\nA. cat\nB. dog\nAnswer with the option's letter from the given choices directly.",
    );
    const many = { ...several, image: `[${Array(13).fill(`'${image}'`)}]`, question: "All?" };
    expect(written(await asked("MMMU_DEV_VAL", many))).toContain("Image-13: <image:4>All?");
  });

  it("in correct mode keeps what the adapter drops: options, instructions, references between texts", async () => {
    const image = await pngBase64();
    const several = { image: `['${image}', '${image}']`, question: "Is <image 1> above <image 2>?", ...options };
    expect(written(await asked("MMMU_Pro_10c", several, "internvl-recommended"))).toBe(
      "Image-1: <image:6>Image-2: <image:6>Question: Is <Image-1> above <Image-2>?\nOptions:\nA. cat\nB. dog\nAnswer directly with the option letter from the given choices. ",
    );
    const dynamath = { question: "Slope?", answer_type: "float", qid: 0, varid: 1 };
    expect(written(await asked("DynaMath", dynamath, "internvl-recommended"))).toContain("'short answer'");
    expect(written(await asked("MathVision", { question: "How many?" }, "internvl-recommended"))).toBe(
      "<image:6>How many?",
    );
  });
});

it("the first picture of MMMU is shown at twice its size; of MMMU-Pro in compat mode only", async () => {
  const image = await pngBase64();
  const row = { image: `['${image}', '${image}']`, question: "Q", ...options };
  const sizes = async (name: string, style: PromptStyle) =>
    (await asked(name, row, style)).flatMap((part): (string | number)[] => {
      if (part.type !== "image") return [];
      return part.image instanceof Uint8Array ? ["as it came"] : [(part.image as RgbImage).width];
    });
  // 24 pixels wide.
  expect(await sizes("MMMU_DEV_VAL", "internvl")).toEqual([48, "as it came"]);
  expect(await sizes("MMMU_DEV_VAL", "internvl-recommended")).toEqual([48, "as it came"]);
  expect(await sizes("MMMU_Pro_10c", "internvl")).toEqual([48, "as it came"]);
  expect(await sizes("MMMU_Pro_10c", "internvl-recommended")).toEqual(["as it came", "as it came"]);
  expect(await sizes("MathVision", "internvl")).toEqual(["as it came", "as it came"]);
});

describe("flashvl eval", () => {
  const run = async (folder: string, model: string, ...more: string[]) => {
    writeTsv(join(folder, "MathVision.tsv"), [
      { index: 0, image: await pngBase64(), question: "How many?", choices: "[]", answer: "3", category: "algebra" },
    ]);
    const place = ["--out", folder, "--cache", join(folder, "cache"), "--max-new-tokens", "2", "--no-html"];
    const args = ["eval", "MathVision", "--model", familyFolder(model), ...place, "--format", "json", ...more];
    const done = await runHere(args, { FLASHVL_DATA: folder, FLASHVL_OFFLINE: "1" });
    expect(done.code, done.stderr).toBe(0);
    return done.stdout;
  };

  it("asks a model of either layout by its family, and others as FlashVL", async () => {
    const styleOf = async (model: string, ...more: string[]) =>
      JSON.parse(await run(temporaryFolder(), model, "--json", ...more))[0].prompt;
    expect(await styleOf("internvl3-tiny")).toBe("internvl");
    expect(await styleOf("internvl3-hf-tiny", "--mode", "correct")).toBe("internvl-recommended");
    expect(await styleOf("internvl3_5-tiny", "--prompt", "dataset-default")).toBe("dataset-default");
    expect(await styleOf("dynamic-tiny")).toBe("recommended");
  });

  it("prints the card's table above the run", async () => {
    const printed = await run(temporaryFolder(), "internvl3-tiny");
    expect(printed).toMatch(/InternVL3-2B +27\.03 +32\.55 +26\.49 +17\.00 +22\.56 +36\.55/);
    expect(printed).toMatch(/internvl3-tiny \(this run\) +– +– +0\.00 +– +– +–/);
  });

  it("refuses tile limits that an endpoint would not be told", async () => {
    const folder = temporaryFolder();
    writeTsv(join(folder, "Own.tsv"), [{ index: 0, image: await pngBase64(), question: "Q", answer: "A" }]);
    const args = ["eval", "Own", "--openai", "http://127.0.0.1:9/v1", "--openai-model", "m", "--prompt", "internvl"];
    const done = await runHere(args, { FLASHVL_DATA: folder, FLASHVL_OFFLINE: "1" });
    expect(done).toMatchObject({ code: 2, stderr: expect.stringContaining("an endpoint isn't told") });
  });
});

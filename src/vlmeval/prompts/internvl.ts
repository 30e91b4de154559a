/** @file The prompt of VLMEvalKit's InternVL adapter, version 2.0 (`vlmeval/vlm/internvl`): texts, tiles, and the first picture of MMMU. */
import type { ContentPart, ImageInput } from "../../processor/index.ts";
import type { Cells } from "./dataset-default.ts";
import { BRIEFLY, choiceText, type DatasetType } from "./flashvl.ts";
import { imagePart, type PromptPart, textPart } from "./parts.ts";

/** Longest answer that the adapter asks for. */
export const INTERNVL_MAX_NEW_TOKENS = 4096;

/** Most tiles of all pictures of a row together. */
const TILES_OF_A_ROW = 64;
const DEFAULT_TILES = 6;
/** Parts of sets' names, and the most tiles of one picture. The first that fits decides. */
const TILES: readonly [tiles: number, names: readonly string[]][] = [
  [12, ["ChartQA_TEST", "MMMU_DEV_VAL", "MMMU_TEST", "MME-RealWorld", "VCR_EN", "VCR_ZH", "OCRVQA", "BMMR"]],
  [18, ["DocVQA_VAL", "DocVQA_TEST", "DUDE", "MMLongBench_DOC", "SLIDEVQA"]],
  [24, ["InfoVQA_VAL", "InfoVQA_TEST", "OCRBench", "HRBench4K", "HRBench8K"]],
];

/** Sets of short answers, and sets whose question is asked as it stands; any other of type VQA is asked to answer briefly. */
const BARE = ["MathVista", "MathVision", "MTVQA", "MMVet", "DynaMath", "WeMath", "LogicVista", "CRPE", "MM-Math"];

const named = (dataset: string, names: readonly string[]): boolean => names.some((name) => dataset.includes(name));

/** Sets that the adapter asks with the set's own prompt. */
export const asksByItself = (dataset: string): boolean => named(dataset, ["MMDU", "MME-RealWorld", "WeMath_COT"]);

function questionText(dataset: string, type: DatasetType, cells: Cells): string {
  const question = cells.question ?? "nan";
  if (type === "Y/N") {
    if (dataset.includes("MME")) return `${question} ${BRIEFLY}`;
    return dataset.includes("HallusionBench") ? `${question} Please answer yes or no. ${BRIEFLY}` : question;
  }
  if (type === "MCQ") return choiceText(cells);
  // MMMU-Pro's type is none of these: its options are dropped.
  if (type !== "VQA") return question;
  if (dataset.includes("LLaVABench")) return `${question}\nAnswer this question in detail.`;
  if (dataset.includes("MathVerse")) return question.replaceAll("please directly answer the question and", "please");
  return named(dataset, BARE) ? question : `${question}\n${BRIEFLY}`;
}

/**
 * The question, then the pictures.
 * @example internvlPrompt("MathVision", "VQA", { question: "How many?" }, ["0"])
 */
export const internvlPrompt = (
  dataset: string,
  type: DatasetType,
  cells: Cells,
  images: readonly string[],
): PromptPart[] => [textPart(questionText(dataset, type, cells)), ...images.map(imagePart)];

/**
 * Most tiles of each picture of a row, without its thumbnail.
 * @param pictures of the row
 * @example internvlTiles("OCRBench", 1) // 24
 */
export function internvlTiles(dataset: string, pictures: number): number {
  const most = TILES.find(([, names]) => named(dataset, names))?.[0] ?? DEFAULT_TILES;
  return Math.max(1, Math.min(most, Math.floor(TILES_OF_A_ROW / Math.max(1, pictures))));
}

/**
 * Parts as the model is given them: pictures first, several as "Image-1: …" lines. References between the texts stay, as
 * "<Image-1>", unless all stand together.
 */
export function internvlContent(
  parts: readonly PromptPart[],
  images: readonly ImageInput[],
  maxTiles: number,
): ContentPart[] {
  const shown = parts.filter(({ type }) => type === "image");
  const texts = parts.filter(({ type }) => type === "text").map(({ value }) => value);
  const pictures = shown.map(({ value }): ContentPart => {
    return { type: "image", image: images[Number(value)]!, maxTiles, inPlace: true };
  });
  if (shown.length <= 1) return [...pictures, { type: "text", text: texts.join("\n") }];
  let next = 1;
  const woven = parts.map(({ type, value }) => (type === "text" ? value : `<Image-${next++}>`)).join("");
  const together = shown.map((_, at) => `<Image-${at + 1}>`).join("");
  return [
    ...pictures.flatMap((picture, at): ContentPart[] => [{ type: "text", text: `Image-${at + 1}: ` }, picture]),
    { type: "text", text: woven.replaceAll(together, "") },
  ];
}

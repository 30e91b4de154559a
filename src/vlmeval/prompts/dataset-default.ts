/** @file The sets' own prompts, as VLMEvalKit gives them to a model without a prompt of its own. */
import { rowChoices } from "../score/letters.ts";
import { imagePart, type PromptPart, textPart } from "./parts.ts";
import { splitAtImageTags } from "./split-images.ts";

export type Cells = Readonly<Record<string, string | null>>;

/** Builds a set's own prompt from a row and names for its pictures. */
export type DefaultPrompt = (cells: Cells, images: readonly string[], dataset: string) => PromptPart[];

const picturesThen = (images: readonly string[], text: string) => [...images.map(imagePart), textPart(text)];

/** A missing question reaches upstream as the number nan. */
const question = (cells: Cells) => cells.question ?? "nan";

function optionBlock(cells: Cells): string {
  const choices = [...rowChoices(cells)];
  if (choices.length === 0) return "";
  return `Options:\n${choices.map(([letter, text]) => `${letter}. ${text}\n`).join("")}`;
}

function hintLine(cells: Cells): string {
  const hint = cells.hint ?? null;
  return hint === null ? "" : `Hint: ${hint}\n`;
}

/** Hint, question, options, and the sentence that asks for an option. */
export const choicePrompt: DefaultPrompt = (cells, images) => {
  const options = optionBlock(cells);
  const close = options === "" ? "" : "Please select the correct answer from the options above. \n";
  return picturesThen(images, `${hintLine(cells)}Question: ${question(cells)}\n${options}${close}`);
};

/** As multiple choice, with pictures where the tags stand. */
export const mmmuPrompt: DefaultPrompt = (cells, images, dataset) =>
  splitAtImageTags(choicePrompt(cells, images, dataset));

const DIRECTLY = "Answer directly with the option letter from the given choices. ";
const LAST_LINE =
  "The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of the options. Think step by step before answering. ";

/** MMMU-Pro: with options in the text, or (vision variant) with everything in the picture. */
export const mmmuProPrompt: DefaultPrompt = (cells, images, dataset) => {
  const reasons = dataset.includes("COT");
  if (dataset.includes("MMMU_Pro_V")) {
    const ask = "Answer the following multiple-choice question in the image. ";
    return picturesThen(images.slice(0, 1), ask + (reasons ? LAST_LINE : DIRECTLY));
  }
  const options = optionBlock(cells);
  const close =
    options === "" ? "" : reasons ? `Answer the following multiple-choice question. ${LAST_LINE}` : DIRECTLY;
  return splitAtImageTags(picturesThen(images, `Question: ${question(cells)}\n${options}${close}`));
};

/** WeMath: no closing sentence; the COT variant adds the row's own requirement. */
export const weMathPrompt: DefaultPrompt = (cells, images, dataset) => {
  const requirement = dataset.includes("COT") ? `\n${cells.requirement ?? "nan"}` : "";
  return picturesThen(images, `${hintLine(cells)}Question: ${question(cells)}\n${optionBlock(cells)}${requirement}`);
};

const DYNAMATH_FORMAT = new Map<string, string>(
  Object.entries({
    // "corresponing" is upstream's spelling.
    "multiple choice":
      "Provide the corresponing choice option in the 'short answer' key, such as 'A', 'B', 'C', or 'D'.",
    float: "Format the answer as a three-digit floating-point number and provide it in the 'short answer' key.",
  }),
);
const DYNAMATH_OTHER = "Float numbers in the answer should be formatted as three-digit floating-point numbers.";

/** The block that asks for JSON with `solution` and `short answer`. */
export function dynaMathInstruction(answerType: string | null): string {
  const format = DYNAMATH_FORMAT.get(answerType ?? "") ?? DYNAMATH_OTHER;
  const example =
    '{\n    "solution": "[Detailed step-by-step explanation]",\n    "short answer": "[Concise Answer]"\n}';
  return (
    "\n## Answer Instruction Please provide an answer to the question outlined above. Your response should adhere to the following JSON format, which includes two keys: 'solution' and 'short answer'. " +
    "The 'solution' key can contain detailed steps needed to solve the question, and the 'short answer' key should provide a concise response. " +
    `${format}\n\nExample of expected JSON response format:\n\n${example}`
  );
}

export const dynaMathPrompt: DefaultPrompt = (cells, images, dataset) => {
  const block = dataset.includes("noprompt") ? "" : dynaMathInstruction(cells.answer_type ?? null);
  return picturesThen(images, `## Question\n ${question(cells)}${block}`);
};

/** The question and nothing else: MathVision, MathVista, OCRBench, MMVet and the yes/no sets. */
export const questionPrompt: DefaultPrompt = (cells, images) => picturesThen(images, question(cells));

/** MathVerse: a variant named for chains of thought has its own column. */
export const mathVersePrompt: DefaultPrompt = (cells, images, dataset) =>
  picturesThen(images, dataset.includes("cot") ? (cells.query_cot ?? "nan") : question(cells));

/** TextVQA, DocVQA, InfoVQA, ChartQA. */
export const shortAnswerPrompt: DefaultPrompt = (cells, images) =>
  picturesThen(images, `${question(cells)}\nAnswer the question using a single word or phrase.`);

/** @file Writes the first recipe for a user's data: few keys, each with a comment, the rest worked out when it runs. */

import { basename, dirname, relative, resolve } from "node:path";
import { stringify } from "yaml";
import type { Message } from "../../processor/index.ts";
import { parseConversation } from "../data/parse-conversation.ts";
import { openRows } from "../data/rows/open-rows.ts";
import { TrainingInputError } from "../input-error.ts";

/** Rows that are looked at. */
const LOOKED_AT = 200;
/** Answers up to this long are compared word for word; of longer ones the loss says more. */
const SHORT_ANSWER = 40;

/** What a first look at the data says. */
export interface DataLook {
  readonly rows: number;
  /** Rows that have no question of their own. */
  readonly needsQuestion: boolean;
  /** The first row's question and answer, as they are understood. */
  readonly example: { readonly question: string; readonly answer: string; readonly pictures: number };
  /** Answers are so short that they can be compared. */
  readonly shortAnswers: boolean;
}

const textOf = (content: Message["content"]): string =>
  typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");

const picturesOf = (messages: readonly Message[]): number =>
  messages.reduce(
    (n, { content }) => n + (typeof content === "string" ? 0 : content.filter((part) => part.type === "image").length),
    0,
  );

/**
 * Looks at some rows.
 * @param question what rows ask that have no question
 * @throws TrainingInputError naming file and line of a row that is no conversation
 */
export async function lookAtData(file: string, question?: string): Promise<DataLook> {
  const rows = await openRows(file);
  try {
    let needsQuestion = false;
    let example: DataLook["example"] | undefined;
    const lengths: number[] = [];
    const count = Math.min(LOOKED_AT, rows.length);
    for (let i = 0; i < count; i++) {
      const index = Math.floor((i * rows.length) / count);
      const row = await rows.row(index);
      const parse = (asked?: string) => parseConversation(row, { folder: rows.folder(index), question: asked });
      let messages: Message[];
      try {
        messages = parse();
      } catch (error) {
        if (question === undefined && !/data\.question/.test((error as Error).message))
          throw new TrainingInputError(`${rows.place(index)}: ${(error as Error).message}`, { cause: error });
        needsQuestion = true;
        messages = parse(question ?? "?");
      }
      const answer = messages.at(-1)!.role === "assistant" ? textOf(messages.at(-1)!.content).trim() : "";
      lengths.push(answer.length);
      const asked = messages.find(({ role }) => role === "user");
      example ??= { question: asked ? textOf(asked.content).trim() : "", answer, pictures: picturesOf(messages) };
    }
    const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)]!;
    return { rows: rows.length, needsQuestion, example: example!, shortAnswers: median > 0 && median <= SHORT_ANSWER };
  } finally {
    await rows.close();
  }
}

export interface Draft {
  /** Data file, pattern or folder. */
  readonly data: string;
  /** Where the recipe will stand: paths in it are relative to its folder. */
  readonly out: string;
  readonly model: string;
  readonly stage: "sft" | "grpo";
  readonly lora: boolean;
  readonly question?: string;
  readonly look: DataLook;
}

/** `key: value` as YAML writes it, on one line. */
const line = (value: object): string =>
  stringify(value, { collectionStyle: "flow", lineWidth: 0 })
    .trim()
    .replace(/^\{ (.*) \}$/s, "$1");

/**
 * A recipe's text.
 * @example draftRecipe({ data: "labels.csv", out: "meters.yaml", model: "tiny", stage: "sft", lora: true, look })
 */
export function draftRecipe({ data, out, model, stage, lora, question, look }: Draft): string {
  const folder = dirname(resolve(out));
  const path = (to: string) => relative(folder, resolve(to)).replaceAll("\\", "/") || ".";
  const local = /^[./~]|\\/.test(model) ? path(model) : model;
  const named = { file: path(data), ...(question !== undefined && { question }) };
  const few = look.rows < 1000;
  const lines = [
    `# ${look.rows} rows of ${basename(data)}. Every other key has a default: flashvl train keys ${stage}`,
    `#   flashvl train ${stage} ${basename(out)}`,
    line({ stage }),
    line({ model: local }),
    line({ data: named }),
    ...(stage === "sft"
      ? [
          `${line({ epochs: few ? 20 : 3 })} # times that the rows are gone through`,
          `${line({ batchSize: 8 })} # rows of a step`,
          `${line({ validation: { metric: look.shortAnswers ? "exact" : "loss" } })} # a fifth of the rows, at most 64, is held back and ${look.shortAnswers ? "asked" : "measured"} after each epoch`,
          `${line({ patience: 10 })} # validations without a better result, after which training ends`,
        ]
      : [
          `${line({ epochs: 1 })}`,
          `${line({ rewards: [{ name: "accuracy" }] })} # right answers are paid; a function of your own: { module: reward.mjs }`,
          `${line({ rollout: { maxNewTokens: 64 } })} # longest answer`,
          line({ validation: {} }),
        ]),
    lora
      ? `${line({ lora: { rank: 16 } })} # adapters of the decoder; the files are small and open on their base`
      : `${line({ train: stage === "sft" ? ["tower", "adapter", "decoder"] : ["decoder"] })} # parts whose weights change`,
    `${line({ optimizer: { schedule: { warmupRatio: 0.03 } } })} # the learning rate suits kind and width; or learningRate: 0.0001`,
  ];
  return `${lines.join("\n")}\n`;
}

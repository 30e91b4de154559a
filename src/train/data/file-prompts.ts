/** @file Prompts from a file of conversations for reinforcement learning: what is asked, and what is known about the answer. */

import { dirname } from "node:path";
import { buildPrompt, loadImage, type Message } from "../../processor/index.ts";
import { scoreReference, type Task } from "../../tasks/index.ts";
import type { SampleContext } from "./market-source.ts";
import { parseConversation } from "./parse-conversation.ts";
import { ShuffledRows, type ShuffledRowsOptions, TooLong } from "./shuffled-rows.ts";

/** A row as a task sees it, and the user's reward functions with it. */
export interface PromptRow {
  /** The conversation up to the user's last turn, its pictures decoded. */
  readonly messages: Message[];
  /** The reference answer, where the row has one. */
  readonly answer?: string;
  /** The row as it stands in the file, for reward functions that need more. */
  readonly columns: Readonly<Record<string, unknown>>;
}

export interface FilePromptsOptions extends ShuffledRowsOptions {
  /** What picture paths are relative to; the file's own folder when left out. */
  readonly images?: string;
  /** Largest prompt: tokens with pictures, and pictures. */
  readonly limits: { readonly length: number; readonly images: number };
  /** Rows without a reference answer are bad. */
  readonly needsAnswer: boolean;
}

/** Asks what a row asks; answers are right when they equal the reference. */
export const promptTask: Task<PromptRow> = {
  name: "file",
  async *rows() {},
  prompt: ({ messages }) => ({ images: [], messages }),
  score: ({ answer }, found) =>
    answer === undefined
      ? { correct: false, value: 0, detail: "the row has no reference answer" }
      : scoreReference(found, answer),
};

const textOf = ({ content }: Message): string =>
  typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");

/** The reference: `answer` or `solution` of the row, else the assistant's last turn, which is then not part of the prompt. */
function splitReference(row: unknown, messages: Message[]): { messages: Message[]; answer?: string } {
  const { answer, solution } = row as Record<string, unknown>;
  const named = answer ?? solution;
  const last = messages.at(-1)!;
  const turn = last.role === "assistant" ? textOf(last) : undefined;
  return {
    messages: turn === undefined ? messages : messages.slice(0, -1),
    answer: typeof named === "string" || typeof named === "number" ? String(named) : turn,
  };
}

const withPictures = async (message: Message): Promise<Message> =>
  typeof message.content === "string"
    ? message
    : {
        ...message,
        content: await Promise.all(
          message.content.map(async (part) =>
            part.type === "image" ? { ...part, image: await loadImage(part.image) } : part,
          ),
        ),
      };

/** Opens a file of prompts. @throws Error when it cannot be read or has no rows */
export function openPrompts(context: SampleContext, options: FilePromptsOptions): Promise<ShuffledRows<PromptRow>> {
  const { file, images, limits, needsAnswer } = options;
  const { tokenizer, imageTokens } = context;
  return ShuffledRows.open(options, async (row) => {
    const { messages, answer } = splitReference(row, parseConversation(row, images ?? dirname(file)));
    if (needsAnswer && answer === undefined)
      throw new Error(
        'the row has no reference answer, which the reward "accuracy" needs: end it with an assistant turn, or give it "answer"',
      );
    const prompt = buildPrompt(tokenizer, messages, { imageTokens });
    if (prompt.ids.length > limits.length)
      throw new TooLong(`a prompt of ${prompt.ids.length} tokens, more than ${limits.length} beside its answer`);
    if (prompt.images.length > limits.images)
      throw new TooLong(`${prompt.images.length} pictures, more than ${limits.images}`);
    return {
      messages: await Promise.all(messages.map(withPictures)),
      answer,
      columns: row as Record<string, unknown>,
    };
  });
}

/** @file Prompts from a file of conversations for reinforcement learning: what is asked, and what is known about the answer. */

import { buildPrompt, imagesOf, loadImage, type Message } from "../../processor/index.ts";
import { scoreReference, type Task } from "../../tasks/index.ts";
import type { SampleSize } from "./file-sequences.ts";
import { type ConversationOptions, parseConversation } from "./parse-conversation.ts";
import { PictureCache } from "./picture-cache.ts";
import type { SampleContext } from "./sample-context.ts";
import { later, ShuffledRows, type ShuffledRowsOptions, TooLong } from "./shuffled-rows.ts";

/** A row as a task sees it, and the user's reward functions with it. */
export interface PromptRow {
  /** The conversation up to the user's last turn, its pictures decoded, unless `load` is there. */
  readonly messages: Message[];
  /** The row with its pictures decoded. */
  readonly load?: () => Promise<PromptRow>;
  /** The reference answer, where the row has one. */
  readonly answer?: string;
  /** The row as it stands in the file, for reward functions that need more. */
  readonly columns: Readonly<Record<string, unknown>>;
}

export interface FilePromptsOptions extends ShuffledRowsOptions {
  /** What rows without a question ask. */
  readonly question?: string;
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

/**
 * What a row asks, with its pictures decoded, and its reference answer where it has one.
 * @throws Error saying what was found and expected
 */
export async function promptOf(row: unknown, options: ConversationOptions): Promise<PromptRow> {
  const { messages, answer } = splitReference(row, parseConversation(row, options));
  const columns = row as Record<string, unknown>;
  return { messages: await Promise.all(messages.map(withPictures)), answer, columns };
}

/** Files of prompts, open. */
export interface Prompts
  extends Pick<ShuffledRows<PromptRow>, "length" | "rows" | "item" | "items" | "dropped" | "close"> {
  /** What at most `most` prompts take of a batch, whatever the limits. Only headers of pictures are read. */
  sizes(most: number): Promise<SampleSize[]>;
}

/** Opens files of prompts. @throws Error when one cannot be read or has no rows */
export async function openPrompts(context: SampleContext, options: FilePromptsOptions): Promise<Prompts> {
  const { question, limits, needsAnswer } = options;
  const { tokenizer, dialect } = context;
  const cache = new PictureCache(context);
  const plan = async (row: unknown, folder: string) => {
    const { messages, answer } = splitReference(row, parseConversation(row, { folder, question }));
    const plans = await Promise.all(imagesOf(messages).map(async (image) => (await cache.plan(image)).plan));
    const { ids } = buildPrompt(tokenizer, messages, { imageTokens: plans.map(({ tokens }) => tokens), dialect });
    return { messages, answer, tokens: ids.length, images: plans.reduce((sum, { windows }) => sum + windows, 0) };
  };
  const rows = await ShuffledRows.open(options, async (row, folder, place): Promise<PromptRow> => {
    const { messages, answer, tokens, images } = await plan(row, folder);
    if (needsAnswer && answer === undefined)
      throw new Error(
        'the row has no reference answer, which the reward "accuracy" needs: end it with an assistant turn, or give it "answer"',
      );
    if (tokens > limits.length)
      throw new TooLong(
        `a prompt of ${tokens} tokens, more than ${limits.length} beside its answer; raise batch.length or lower rollout.maxNewTokens`,
      );
    if (images > limits.images)
      throw new TooLong(`${images} pictures or tiles, more than ${limits.images}; raise batch.images`);
    const rest = { answer, columns: row as Record<string, unknown> };
    const decoded = async () => ({ messages: await Promise.all(messages.map(withPictures)), ...rest });
    return options.lazy && options.onBadRow === "stop" && images > 0
      ? { messages, ...rest, load: () => later(decoded(), place) }
      : decoded();
  });
  const sizes = (most: number) =>
    rows.some(most, async (row, folder) => ({ ...(await plan(row, folder)), labels: 0 }) as SampleSize);
  return Object.assign(rows, { sizes });
}

/** @file A conversation with a model: what has been said, the pictures that wait for the next turn, and what it cost. */

import { type AnswerPart, AnswerSplitter, type GenerateOptions, type GenerateResult } from "../../engine/index.ts";
import type { FlashVL } from "../../node/index.ts";
import type { ContentPart, ImageInput, Message } from "../../processor/index.ts";

/** The part of a model that a conversation needs. */
export type Answering = Pick<FlashVL, "stream"> & Partial<Pick<FlashVL, "card">>;

/** Takes the answer piece by piece, the model's working apart from its text. */
export type OnText = (text: string, type: "text" | "reasoning") => void;

/** An answer with the model's working apart, where it has any. */
export type ConversationResult = GenerateResult & { reasoning?: string };

/** Keeps the turns; knows nothing of terminals. */
export class Conversation {
  private messages: Message[] = [];
  /** For the next question. */
  private pictures: ImageInput[] = [];
  /** Of the latest question that had any. */
  private shown: ImageInput[] = [];
  /** The last answer, for /stats. */
  last: GenerateResult | undefined;
  /** Sums over the conversation. */
  readonly totals = { answers: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0, ms: 0 };

  private readonly splits: boolean;

  /** @param raw leaves the model's working in the answer */
  constructor(
    private readonly model: Answering,
    private readonly options: GenerateOptions,
    raw = false,
  ) {
    this.splits = !raw && model.card?.reasoning !== false;
  }

  /** The turns so far. */
  get turns(): number {
    return this.messages.length;
  }

  /** Shows a picture with the next question. */
  show(picture: ImageInput): void {
    this.pictures.push(picture);
  }

  /** Forgets what has been said; the pictures in view are shown again with the next question. */
  reset(): void {
    this.messages = [];
    if (this.pictures.length === 0) this.pictures = this.shown;
  }

  /**
   * Asks and passes on the answer piece by piece. An answer that is stopped counts as far as it went; a question that
   * cannot be answered is taken back, so that another can be asked.
   *
   * @throws what the engine throws
   */
  async ask(question: string, onText: OnText, signal: AbortSignal): Promise<ConversationResult> {
    const parts: ContentPart[] = this.pictures.map((image) => ({ type: "image", image }));
    const content = parts.length === 0 ? question : [...parts, { type: "text" as const, text: question }];
    const messages: Message[] = [...this.messages, { role: "user", content }];
    const splitter = new AnswerSplitter({ reasoning: this.splits });
    let [text, reasoning] = ["", ""];
    const show = (pieces: readonly AnswerPart[]) => {
      for (const piece of pieces) {
        if (piece.type === "text") text += piece.text;
        else if (piece.type === "reasoning") reasoning += piece.text;
        else continue;
        onText(piece.text, piece.type);
      }
    };
    let result: ConversationResult | undefined;
    for await (const part of this.model.stream(null, messages, { ...this.options, signal })) {
      show(splitter.push(part.text));
      if (!part.done) continue;
      show(splitter.end());
      result = { ...part.result, text, ...(reasoning !== "" && { reasoning }) };
    }
    if (!result) throw new Error("The answer ended without a result.");
    // A stopped answer without a word leaves no turn: the next question would follow an empty one.
    if (result.finishReason !== "abort" || text !== "") {
      // The next question is asked about the answer, not about how the model came to it.
      this.messages = [...messages, { role: "assistant", content: text }];
      if (parts.length > 0) this.shown = this.pictures;
      this.pictures = [];
    }
    this.remember(result);
    return result;
  }

  private remember(result: GenerateResult): void {
    this.last = result;
    this.totals.answers++;
    this.totals.promptTokens += result.usage.promptTokens;
    this.totals.cachedTokens += result.usage.cachedTokens;
    this.totals.completionTokens += result.usage.completionTokens;
    this.totals.ms += result.timings.totalMs;
  }
}

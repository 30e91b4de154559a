/** @file A conversation with a model: what has been said, the pictures that wait for the next turn, and what it cost. */
import type { FlashVL, GenerateOptions, GenerateResult } from "../../engine/index.ts";
import type { ContentPart, ImageInput, Message } from "../../processor/index.ts";

/** The part of a model that a conversation needs. */
export type Answering = Pick<FlashVL, "stream">;

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

  constructor(
    private readonly model: Answering,
    private readonly options: GenerateOptions,
  ) {}

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
  async ask(question: string, onText: (text: string) => void, signal: AbortSignal): Promise<GenerateResult> {
    const parts: ContentPart[] = this.pictures.map((image) => ({ type: "image", image }));
    const content = parts.length === 0 ? question : [...parts, { type: "text" as const, text: question }];
    const messages: Message[] = [...this.messages, { role: "user", content }];
    let result: GenerateResult | undefined;
    for await (const part of this.model.stream(null, messages, { ...this.options, signal })) {
      if (part.text) onText(part.text);
      if (part.done) result = part.result;
    }
    if (!result) throw new Error("The answer ended without a result.");
    // A stopped answer without a word leaves no turn: the next question would follow an empty one.
    if (result.finishReason !== "abort" || result.text !== "") {
      this.messages = [...messages, { role: "assistant", content: result.text }];
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

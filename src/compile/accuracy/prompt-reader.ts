/** @file Feeds prompts to a set of sessions, one after the other, and gives the logits. */

import {
  DecoderRunner,
  type EmbeddingTable,
  type EncodedImage,
  type KvCache,
  openKvCache,
  planPictures,
  promptEmbeddings,
  VisionEncoder,
} from "../../engine/index.ts";
import { dialectOf, type ModelConfig } from "../../model/index.ts";
import {
  buildPrompt,
  imagePartsOf,
  makePixels,
  openImage,
  type PreprocessorConfig,
  type Tokenizer,
  withImages,
} from "../../processor/index.ts";
import type { Runtime, Session } from "../../runtime/index.ts";
import type { ModelGraphs } from "../presets.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

/** Positions of the prompt, counted from its end, whose logits are given. */
const PROMPT_POSITIONS = 16;

/** What all precisions of one model share. */
export interface AccuracyModel {
  config: ModelConfig;
  tokenizer: Tokenizer;
  preprocessor: PreprocessorConfig;
  embeddings: EmbeddingTable;
}

/** One conversation at a time over the sessions of one precision, which it takes over. */
export class PromptReader implements AsyncDisposable {
  readonly #model: AccuracyModel;
  readonly #vision: VisionEncoder;
  readonly #runner: DecoderRunner;
  #ids: readonly number[] = [];
  #images: EncodedImage[] = [];

  static async open(
    runtime: Runtime,
    model: AccuracyModel,
    sessions: Record<keyof ModelGraphs, Session>,
  ): Promise<PromptReader> {
    const { decoder } = model.config;
    const most = { slots: 1, capacity: decoder.maxPositions };
    return new PromptReader(model, sessions, await openKvCache(runtime, decoder, sessions.decode, most));
  }

  private constructor(model: AccuracyModel, sessions: Record<keyof ModelGraphs, Session>, cache: KvCache) {
    this.#model = model;
    // Every picture is encoded anew: nothing may come from another precision's cache.
    this.#vision = new VisionEncoder(model.config, sessions.vision, 0);
    this.#runner = new DecoderRunner(model.config.decoder, sessions, cache);
  }

  get vocabulary(): number {
    return this.#model.config.decoder.vocabSize;
  }

  /** Reads a prompt. @returns logits [positions, vocabulary] of its last positions, valid until the next call */
  async read(prompt: AccuracyPrompt, { onImage }: { onImage?: () => void } = {}): Promise<Float32Array> {
    const { config, tokenizer, preprocessor } = this.#model;
    const conversation = withImages(prompt.image, prompt.messages);
    const pictures = await planPictures(openImage, config, imagePartsOf(conversation), {});
    const built = buildPrompt(tokenizer, conversation, {
      imageTokens: pictures.map(({ plan }) => plan.tokens),
      dialect: dialectOf(config),
    });
    this.#images = [];
    for (const [i, { image, plan }] of pictures.entries()) {
      const pixels = await image.load();
      const make = () => makePixels(pixels, plan, preprocessor);
      this.#images.push(await this.#vision.encode(`${i}`, plan, make, onImage));
    }
    this.#ids = built.ids;
    const tokens = built.ids.length;
    const kept = Math.min(PROMPT_POSITIONS, tokens);
    const rows = Array.from({ length: kept }, (_, i) => tokens - kept + i);
    return this.#step(0, "prefill", rows);
  }

  /** Reads one more token. @returns logits [1, vocabulary] after it, valid until the next call */
  async next(token: number): Promise<Float32Array> {
    this.#ids = [...this.#ids, token];
    return this.#step(this.#ids.length - 1, "decode", [0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#vision.dispose(new Error("The report is done.")), this.#runner.dispose()]);
  }

  async #step(past: number, graph: "prefill" | "decode", logitRows: number[]): Promise<Float32Array> {
    const { hiddenSize } = this.#model.config.decoder;
    const length = this.#ids.length;
    const embeds = await promptEmbeddings(this.#ids, this.#images, past, length, this.#model.embeddings, hiddenSize);
    await this.#runner.cache.ensure(1, length, [past]);
    return this.#runner.run({ graph, slots: [0], tokens: length - past, embeds, lengths: [past], logitRows });
  }
}

/** @file Pictures to image tokens, each picture once: features are kept by the picture's content. */
import type { FlashVLConfig } from "../../model/index.ts";
import { Mutex } from "../mutex.ts";
import { createTensor, type Session, wrapTensor } from "../runtime/index.ts";
import { ByteLru } from "./byte-lru.ts";

/** A picture ready for the decoder. */
export interface EncodedImage {
  /** Names the features: equal keys, equal features. */
  key: string;
  /** [imageTokens, hidden] */
  features: Float32Array;
}

/** Runs the vision graph; one picture at a time, since a picture alone fills the cores. */
export class VisionEncoder {
  readonly #config: FlashVLConfig;
  readonly #session: Session;
  readonly #features: ByteLru<Float32Array>;
  readonly #underWay = new Map<string, Promise<Float32Array>>();
  readonly #turns = new Mutex();
  #generation = 0;
  #closed: Error | undefined;
  /** Pictures asked for, and how many of them needed no run. */
  readonly stats = { queries: 0, hits: 0 };

  /** @param cacheBytes memory for features of earlier pictures */
  constructor(config: FlashVLConfig, session: Session, cacheBytes: number) {
    this.#config = config;
    this.#session = session;
    this.#features = new ByteLru(cacheBytes, (features) => features.byteLength);
  }

  /**
   * Features of the picture whose content has this hash. `pixels` ([3, size, size]) is called only when they are not known.
   * @example await encoder.encode(hashImage(image), () => preprocessImage(image, config));
   */
  async encode(content: string, pixels: () => Float32Array): Promise<EncodedImage> {
    if (this.#closed) throw this.#closed;
    this.stats.queries++;
    // Weights are part of the name: a request that was prepared with old ones must not pass its keys and values on.
    const key = `${this.#generation}:${content}`;
    const known = this.#features.get(key) ?? this.#underWay.get(key);
    if (known) {
      this.stats.hits++;
      return { key, features: await known };
    }
    const generation = this.#generation;
    const running = this.#turns.run(() => this.#run(pixels));
    this.#underWay.set(key, running);
    const done = (): unknown => this.#underWay.delete(key);
    running.then((features) => {
      done();
      if (generation === this.#generation) this.#features.set(key, features);
    }, done);
    return { key, features: await running };
  }

  /** Changes the weights between two runs and forgets all features. */
  changeWeights(change: () => void): Promise<void> {
    return this.#turns.run(async () => {
      change();
      this.#forget();
    });
  }

  /** Waits for the run in progress; pictures that wait for theirs fail with `reason`. */
  dispose(reason: Error): Promise<void> {
    this.#closed ??= reason;
    this.#forget();
    return this.#turns.run(() => this.#session.dispose());
  }

  #forget(): void {
    this.#generation++;
    this.#features.clear();
  }

  async #run(pixels: () => Float32Array): Promise<Float32Array> {
    if (this.#closed) throw this.#closed;
    const { vision, imageTokens, decoder } = this.#config;
    const size = vision.imageSize;
    const input = pixels();
    const features = createTensor("float32", [1, imageTokens, decoder.hiddenSize]);
    this.#session.bindInput("pixels", wrapTensor("float32", [1, 3, size, size], input.buffer, input.byteOffset));
    this.#session.bindOutput("features", features);
    await this.#session.run();
    return features.data as Float32Array;
  }
}

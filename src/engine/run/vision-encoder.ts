/** @file Pictures to image tokens, each picture once: features are kept by the picture's content. */
import { Mutex } from "../../common/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import { type PicturePlan, windowSize } from "../../processor/core.ts";
import { createTensor, type Session, wrapTensor } from "../../runtime/index.ts";
import { ByteLru } from "./byte-lru.ts";

/** Pixels of the windows that one run takes: one of 512×512 or of 448×448, and many small ones. */
const RUN_PIXELS = 2 ** 18;

/** A picture ready for the decoder. */
export interface EncodedImage {
  /** Names the features: equal keys, equal features. */
  key: string;
  /** [tokens, hidden] */
  features: Float32Array;
}

/** Runs the vision graph; one picture at a time, since a picture alone fills the cores. */
export class VisionEncoder {
  readonly #config: ModelConfig;
  readonly #session: Session;
  readonly #features: ByteLru<Float32Array>;
  readonly #underWay = new Map<string, Promise<Float32Array>>();
  readonly #turns = new Mutex();
  #generation = 0;
  #closed: Error | undefined;
  /** Pictures asked for, and how many of them needed no run. */
  readonly stats = { queries: 0, hits: 0 };

  /** @param cacheBytes memory for features of earlier pictures */
  constructor(config: ModelConfig, session: Session, cacheBytes: number) {
    this.#config = config;
    this.#session = session;
    this.#features = new ByteLru(cacheBytes, (features) => features.byteLength);
  }

  /**
   * Features of a picture.
   * @param content names picture and plan: equal names, equal pixels
   * @param pixels gives the plan's windows [windows, 3, height, width]; called only when the features are not known
   * @param onRun called after every run of the graph, of which a picture may need several
   * @example await encoder.encode(`${hashImage(image)} ${planKey(plan)}`, plan, () => makePixels(image, plan, preprocessor));
   */
  async encode(
    content: string,
    plan: PicturePlan,
    pixels: () => Float32Array | Promise<Float32Array>,
    onRun: () => void = () => {},
  ): Promise<EncodedImage> {
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
    const running = this.#encode(plan, pixels, onRun);
    this.#underWay.set(key, running);
    const done = (): unknown => this.#underWay.delete(key);
    running.then((features) => {
      done();
      if (generation === this.#generation) this.#features.set(key, features);
    }, done);
    return { key, features: await running };
  }

  /** Pixels are made before the tower's turn, so that a large picture does not keep others from it. */
  async #encode(
    plan: PicturePlan,
    pixels: () => Float32Array | Promise<Float32Array>,
    onRun: () => void,
  ): Promise<Float32Array> {
    const made = await pixels();
    return this.#turns.run(() => this.#run(plan, made, onRun));
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

  /** Runs the tower over the windows, so many at a time that memory stays bounded. */
  async #run(plan: PicturePlan, pixels: Float32Array, onRun: () => void): Promise<Float32Array> {
    const { hiddenSize } = this.#config.decoder;
    const { width, height } = windowSize(plan.canvases[0]!);
    const [inputs, tokens] = [3 * width * height, plan.grid.rows * plan.grid.columns];
    const most = Math.max(1, Math.floor(RUN_PIXELS / (width * height)));
    const features = new Float32Array(plan.tokens * hiddenSize);
    for (let first = 0; first < plan.windows; first += most) {
      if (this.#closed) throw this.#closed;
      const count = Math.min(most, plan.windows - first);
      const from = pixels.subarray(first * inputs, (first + count) * inputs);
      const made = createTensor("float32", [count, tokens, hiddenSize]);
      this.#session.bindInput("pixels", wrapTensor("float32", [count, 3, height, width], from.buffer, from.byteOffset));
      this.#session.bindOutput("features", made);
      await this.#session.run();
      features.set(made.data as Float32Array, first * tokens * hiddenSize);
      onRun();
    }
    return features;
  }
}

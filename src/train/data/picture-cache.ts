/** @file Preprocessed pictures, kept a little while: neighbouring rows often ask about the same one. */

import { type ImageInput, loadImage, type PreprocessorConfig, preprocessImage } from "../../processor/index.ts";

/** A picture of 512×512 takes 3 MiB. */
const KEPT = 16;

/** Loads pictures as the model's pixels; the most recent ones that came from a path or URL are kept. */
export class PictureCache {
  readonly #kept = new Map<string, Promise<Float32Array>>();
  readonly #config: PreprocessorConfig;

  constructor(config: PreprocessorConfig) {
    this.#config = config;
  }

  /** [3, size, size], normalised. @throws InputError when the picture is missing or broken */
  pixels(image: ImageInput): Promise<Float32Array> {
    if (typeof image !== "string") return this.#load(image);
    const known = this.#kept.get(image);
    this.#kept.delete(image);
    const loading = known ?? this.#load(image);
    this.#kept.set(image, loading);
    // A failure is not kept: the file may be there next time.
    loading.catch(() => this.#kept.delete(image));
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return loading;
  }

  async #load(image: ImageInput): Promise<Float32Array> {
    return preprocessImage(await loadImage(image), this.#config);
  }
}

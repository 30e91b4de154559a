/** @file Preprocessed pictures, kept a little while: neighbouring rows often ask about the same one. */

import { createHash } from "node:crypto";
import { type ModelConfig, planPicture } from "../../model/index.ts";
import {
  type ImageInput,
  makePixels,
  openImage,
  type PictureLimits,
  type PicturePlan,
  type PreprocessorConfig,
} from "../../processor/index.ts";

/** A picture of 512×512 takes 3 MiB. */
const KEPT = 16;

/** A picture whose size is known: what the model will make of it, and its pixels when they are asked for. */
export interface PlannedPixels {
  readonly plan: PicturePlan;
  /** Hash of what the pixels are made from: the picture as it was given, its plan, and how it is normalised. Nothing is decoded for it. */
  source(): Promise<string>;
  /** [windows, 3, size, size], normalised. @throws InputError when the picture is broken */
  pixels(): Promise<Float32Array>;
}

/** What pictures are made ready for. */
export interface PictureContext {
  readonly config: ModelConfig;
  readonly preprocessor: PreprocessorConfig;
  /** What the run says about pictures, in place of what the model was trained with. */
  readonly pictureLimits?: PictureLimits;
}

/** Loads pictures as the model's pixels; the most recent ones that came from a path or URL are kept. */
export class PictureCache {
  readonly #kept = new Map<string, Promise<PlannedPixels>>();
  readonly #context: PictureContext;

  constructor(context: PictureContext) {
    this.#context = context;
  }

  /** Reads the header. @throws InputError when the picture is missing or no picture */
  plan(image: ImageInput): Promise<PlannedPixels> {
    if (typeof image !== "string") return this.#open(image);
    const known = this.#kept.get(image);
    this.#kept.delete(image);
    const opening = known ?? this.#open(image);
    this.#kept.set(image, opening);
    // A failure is not kept: the file may be there next time.
    opening.catch(() => this.#kept.delete(image));
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return opening;
  }

  async #open(image: ImageInput): Promise<PlannedPixels> {
    const { config, preprocessor, pictureLimits } = this.#context;
    const opened = await openImage(image);
    const plan = planPicture(config, opened, pictureLimits);
    let made: Promise<Float32Array> | undefined;
    const make = async () => makePixels(await opened.load(), plan, preprocessor);
    const source = async () => {
      const given = opened.encoded ?? (await opened.load()).data;
      const how = JSON.stringify([opened.width, opened.height, plan, preprocessor]);
      return createHash("sha256").update(how).update(given).digest("hex");
    };
    return { plan, source, pixels: () => (made ??= make()) };
  }
}

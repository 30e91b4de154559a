/** @file What is asked of a thread that works on large pictures, and what it answers. */
import type { PicturePlan } from "../picture-plan.ts";
import type { PreprocessorConfig } from "../preprocessor-config.ts";
import type { DecodeImageOptions } from "./decode-image.ts";

/** Pixels in shared memory, so that they need not be copied between threads: [height, width, 3]. */
export interface SharedImage {
  data: Uint8Array<SharedArrayBuffer>;
  width: number;
  height: number;
}

/** A piece of work. */
export type PictureJob =
  | {
      type: "decode";
      bytes: Uint8Array;
      options: Pick<DecodeImageOptions, "exifOrientation" | "maxBytes" | "maxPixels">;
    }
  | { type: "hash"; image: SharedImage }
  | {
      type: "pixels";
      image: SharedImage;
      plan: Pick<PicturePlan, "canvases" | "windows">;
      preprocessor: PreprocessorConfig;
    };

/** What each piece of work gives. */
export interface PictureResults {
  decode: SharedImage;
  hash: string;
  pixels: Float32Array<ArrayBuffer>;
}

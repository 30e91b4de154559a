/** @file Work on large pictures in threads, so that the event loop goes on: a photograph takes hundreds of milliseconds. */
import { availableParallelism } from "node:os";
import { startThread, ThreadPool } from "../../common/node.ts";
import type { RgbImage } from "../image-types.ts";
import { InputError, type InputErrorCode } from "../input-error.ts";
import { makePixels } from "../make-pixels.ts";
import { type PicturePlan, windowSize } from "../picture-plan.ts";
import type { PreprocessorConfig } from "../preprocessor-config.ts";
import { hashImage } from "./hash-image.ts";
import type { PictureJob, PictureResults, SharedImage } from "./picture-jobs.ts";

/** Pictures up to this many pixels take a few milliseconds, less than handing them to a thread costs. */
const SMALL_PIXELS = 2 ** 19;

/** Threads at most; the cores are needed for the model. */
const MOST_THREADS = Math.max(1, Math.min(2, availableParallelism() - 1));

const threads = new ThreadPool<PictureJob>(() => startThread("picture-worker", import.meta.url), MOST_THREADS);

/** Whether a picture of so many pixels is worth a thread. */
export const isLarge = ({ width, height }: { width: number; height: number }): boolean => width * height > SMALL_PIXELS;

/**
 * Decodes a picture in a thread.
 *
 * @returns [height, width, 3], in shared memory
 */
export const decodeInThread = (
  bytes: Uint8Array,
  options: Extract<PictureJob, { type: "decode" }>["options"],
): Promise<RgbImage> => run({ type: "decode", bytes, options });

/**
 * SHA-256 over size and pixels, in hexadecimal, as `hashImage` gives it.
 *
 * @example features.get(await hashPicture(image));
 */
export async function hashPicture(image: RgbImage): Promise<string> {
  return isLarge(image) ? run({ type: "hash", image: shared(image) }) : hashImage(image);
}

/**
 * The windows of a plan, as `makePixels` gives them.
 *
 * @returns [windows, 3, height, width]
 */
export async function makePicturePixels(
  image: RgbImage,
  plan: Pick<PicturePlan, "canvases" | "windows">,
  preprocessor: PreprocessorConfig,
): Promise<Float32Array> {
  const { width, height } = windowSize(plan.canvases[0]!);
  if (!isLarge(image) && !isLarge({ width: width * plan.windows, height }))
    return makePixels(image, plan, preprocessor);
  return run({ type: "pixels", image: shared(image), plan, preprocessor });
}

/** The picture in shared memory; what a thread has decoded is there already. */
function shared({ data, width, height }: RgbImage): SharedImage {
  if (data.buffer instanceof SharedArrayBuffer) return { data: data as SharedImage["data"], width, height };
  const copy = new Uint8Array(new SharedArrayBuffer(data.length));
  copy.set(data);
  return { data: copy, width, height };
}

async function run<Type extends PictureJob["type"]>(job: PictureJob & { type: Type }): Promise<PictureResults[Type]> {
  try {
    return await threads.run<PictureResults[Type]>(job);
  } catch (error) {
    const { code, message } = error as Error & { code?: InputErrorCode };
    throw code ? new InputError(code, message) : error;
  }
}

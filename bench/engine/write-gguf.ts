/** @file Writes the text part of a checkpoint as a GGUF file (Q4_0 or Q8_0), so that llama.cpp runs the same weights. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { floatToHalf } from "../../src/common/half.ts";
import { toF32 } from "../../src/common/index.ts";
import type { Checkpoint } from "../../src/hub/index.ts";
import type { ModelConfig } from "../../src/model/index.ts";

/** Codes of the format (ggml-org/ggml, docs/gguf.md). */
const TYPE = { u32: 4, f32: 6, i32: 5, string: 8, array: 9 } as const;
const TENSOR = { F32: 0, Q4_0: 2, Q8_0: 8 } as const;
export type GgufType = "Q4_0" | "Q8_0";
const BLOCK = 32;
const BLOCK_BYTES = { Q4_0: 18, Q8_0: 34 } as const;
const ALIGN = 32;
/** Numbers that are read and rounded at a time. */
const CHUNK = 1 << 22;

type Entry = [key: string, type: keyof typeof TYPE, value: unknown, element?: keyof typeof TYPE];

const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

function scalar(type: keyof typeof TYPE, value: unknown): Buffer {
  if (type === "string") return text(value as string);
  if (type === "f32") return Buffer.from(Float32Array.of(value as number).buffer);
  return type === "i32" ? Buffer.from(Int32Array.of(value as number).buffer) : u32(value as number);
}

function entry([key, type, value, element]: Entry): Buffer {
  if (type !== "array") return Buffer.concat([text(key), u32(TYPE[type]), scalar(type, value)]);
  const list = value as unknown[];
  const head = [text(key), u32(TYPE.array), u32(TYPE[element!]), u64(list.length)];
  return Buffer.concat([...head, ...list.map((one) => scalar(element!, one))]);
}

/** llama.cpp's names (gguf-py, tensor_mapping.py) of the tensors of the text part. */
function tensorNames(config: ModelConfig): [gguf: string, ours: string][] {
  const parts: [string, string][] = [
    ["attn_norm.weight", "input_layernorm.weight"],
    ["ffn_norm.weight", "post_attention_layernorm.weight"],
    ...["q", "k", "v"].flatMap((p): [string, string][] =>
      ["weight", "bias"].map((kind) => [`attn_${p}.${kind}`, `self_attn.${p}_proj.${kind}`]),
    ),
    ["attn_output.weight", "self_attn.o_proj.weight"],
    ...["gate", "up", "down"].map((p): [string, string] => [`ffn_${p}.weight`, `mlp.${p}_proj.weight`]),
  ];
  const layers = Array.from({ length: config.decoder.layers }, (_, i) =>
    parts.map(([to, from]): [string, string] => [`blk.${i}.${to}`, `llm.model.layers.${i}.${from}`]),
  );
  return [
    ["token_embd.weight", "llm.model.embed_tokens.weight"],
    ["output_norm.weight", "llm.model.norm.weight"],
    ...(config.decoder.tiedHead ? [] : [["output.weight", "llm.lm_head.weight"] as [string, string]]),
    ...layers.flat(),
  ];
}

/** Rounds as ggml does (ggml-quants.c, quantize_row_q4_0_ref and quantize_row_q8_0_ref). */
export function quantizeGguf(values: Float32Array, type: GgufType): Buffer {
  const size = BLOCK_BYTES[type];
  const out = Buffer.alloc((values.length / BLOCK) * size);
  for (let b = 0; b < values.length / BLOCK; b++) {
    const block = values.subarray(b * BLOCK, (b + 1) * BLOCK);
    let extreme = 0;
    for (const v of block) if (Math.abs(v) > Math.abs(extreme)) extreme = v;
    const scale = type === "Q4_0" ? extreme / -8 : Math.abs(extreme) / 127;
    const inverse = scale === 0 ? 0 : 1 / scale;
    out.writeUInt16LE(floatToHalf(scale), b * size);
    for (let i = 0; i < BLOCK; i++) {
      if (type === "Q8_0") out.writeInt8(Math.round(block[i]! * inverse), b * size + 2 + i);
      else {
        const level = Math.min(15, Math.trunc(block[i]! * inverse + 8.5));
        out[b * size + 2 + (i % 16)]! |= i < 16 ? level : level << 4;
      }
    }
  }
  return out;
}

/**
 * Writes `path`, whole or not at all.
 * @example await writeGguf("/tmp/text-q4.gguf", checkpoint, config, "Q4_0");
 */
export async function writeGguf(
  path: string,
  checkpoint: Checkpoint,
  config: ModelConfig,
  type: GgufType,
): Promise<void> {
  const d = config.decoder;
  const json = (await checkpoint.readJson("tokenizer.json")) as {
    model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
    added_tokens: { id: number; content: string }[];
  };
  const tokens = Array.from({ length: d.vocabSize }, (_, i) => `[PAD${i}]`);
  const kinds = new Array<number>(d.vocabSize).fill(5); // unused
  for (const [token, id] of Object.entries(json.model.vocab)) [tokens[id], kinds[id]] = [token, 1];
  for (const { id, content } of json.added_tokens) [tokens[id], kinds[id]] = [content, 3]; // control
  const a = "qwen2";
  const meta: Entry[] = [
    ["general.architecture", "string", a],
    ["general.alignment", "u32", ALIGN],
    [`${a}.block_count`, "u32", d.layers],
    [`${a}.context_length`, "u32", d.maxPositions],
    [`${a}.embedding_length`, "u32", d.hiddenSize],
    [`${a}.feed_forward_length`, "u32", d.intermediateSize],
    [`${a}.attention.head_count`, "u32", d.heads],
    [`${a}.attention.head_count_kv`, "u32", d.kvHeads],
    [`${a}.attention.layer_norm_rms_epsilon`, "f32", d.normEpsilon],
    [`${a}.rope.freq_base`, "f32", d.ropeTheta],
    ["tokenizer.ggml.model", "string", "gpt2"],
    ["tokenizer.ggml.pre", "string", "qwen2"],
    ["tokenizer.ggml.tokens", "array", tokens, "string"],
    ["tokenizer.ggml.token_type", "array", kinds, "i32"],
    [
      "tokenizer.ggml.merges",
      "array",
      json.model.merges.map((m) => (typeof m === "string" ? m : m.join(" "))),
      "string",
    ],
    ["tokenizer.ggml.eos_token_id", "u32", d.eosTokenIds[0] ?? 0],
  ];
  let offset = 0;
  const infos = tensorNames(config).map(([name, from]) => {
    const { shape, dtype } = checkpoint.tensors.get(from)!;
    const count = shape.reduce((product, size) => product * size, 1);
    // One-dimensional tensors (norms, biases) stay float32, as in llama.cpp's own files.
    const stored: keyof typeof TENSOR = shape.length > 1 ? type : "F32";
    const bytes = stored === "F32" ? count * 4 : (count / BLOCK) * BLOCK_BYTES[type];
    const info = { name, from, shape, dtype, count, stored, offset, bytes };
    offset = Math.ceil((offset + bytes) / ALIGN) * ALIGN;
    return info;
  });
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    u32(3),
    u64(infos.length),
    u64(meta.length),
    ...meta.map(entry),
    ...infos.map(({ name, shape, stored, offset }) =>
      // Sizes stand innermost first.
      Buffer.concat([
        text(name),
        u32(shape.length),
        ...[...shape].reverse().map(u64),
        u32(TENSOR[stored]),
        u64(offset),
      ]),
    ),
  ]);
  const out = createWriteStream(`${path}.tmp`);
  const write = async (bytes: Buffer) => {
    if (!out.write(bytes)) await once(out, "drain");
  };
  await write(Buffer.concat([head, Buffer.alloc((ALIGN - (head.length % ALIGN)) % ALIGN)]));
  for (const { from, dtype, count, stored, bytes } of infos) {
    const size = dtype === "F32" ? 4 : 2;
    for (let at = 0; at < count; at += CHUNK) {
      const values = toF32(await checkpoint.readRange(from, at * size, Math.min(count, at + CHUNK) * size), dtype);
      await write(stored === "F32" ? Buffer.from(values.slice().buffer) : quantizeGguf(values, type));
    }
    await write(Buffer.alloc((ALIGN - (bytes % ALIGN)) % ALIGN));
  }
  out.end();
  await once(out, "close");
  await rename(`${path}.tmp`, path);
}

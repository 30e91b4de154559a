/**
 * @file `tsx on-device.ts DEVICE PRESET CACHE [MODEL PICTURE QUESTION]`: how far the graphs on a device are from PyTorch's numbers,
 * for sequences alone, in slots that are not the first, together at different lengths, and after copies and growth of the KV
 * cache; and what a model answers there. A process of its own, since drivers of GPUs are chosen by variables of the environment.
 */
import { toF32 } from "../../../src/common/index.ts";
import { checkpointEmbeddings, compileCheckpoint, type Preset } from "../../../src/compile/index.ts";
import { DeviceKvCache } from "../../../src/engine/run/device-kv-cache.ts";
import { DecoderRunner, openKvCache, VisionEncoder } from "../../../src/engine/run/index.ts";
import { cacheType } from "../../../src/engine/run/open-kv-cache.ts";
import { promptEmbeddings } from "../../../src/engine/schedule/prompt-embeddings.ts";
import { openCheckpoint } from "../../../src/hub/index.ts";
import { parseConfig, planPicture } from "../../../src/model/index.ts";
import { devicePrecision } from "../../../src/node/device-precision.ts";
import { FlashVL } from "../../../src/node/index.ts";
import type { Device, Tensor } from "../../../src/runtime/index.ts";
import { nativeRuntime } from "../../../src/runtime/ort/index.ts";
import { expected, expectedTensors, GOLDEN, type GoldenCase, relativeError } from "./golden.ts";

/** Errors relative to PyTorch's numbers. */
export interface DeviceReport {
  preset: string;
  /** Not on software adapters, which get the tower wrong; they are asked without a model. */
  vision?: number;
  /** Logits of all positions, read in runs of a few tokens. */
  alone: number;
  /** Of the last tokens of several sequences, decoded together. */
  together: number;
  /** Of a sequence whose beginning was copied from another slot. */
  copied: number;
  /** Keys of the first layer, against those that the cache of a CPU holds. */
  keys: number;
  answer?: string;
  /** Several questions at once, and whether each answer is the one it gets alone. */
  alike?: boolean;
}

/** Few enough for software adapters, which compute attention of 32 queries and more wrongly (`check-device.ts`). */
const CHUNK = 24;
/** Tokens of each sequence that are decoded one by one. */
const LAST = 4;

const [device, wanted, cacheDir, folder, picture, question] = process.argv.slice(2) as [
  Device,
  Preset,
  string,
  ...string[],
];
const runtime = nativeRuntime();
const reference = expectedTensors();

async function golden(): Promise<Omit<DeviceReport, "answer">> {
  const checkpoint = await openCheckpoint(GOLDEN);
  const config = parseConfig(checkpoint.config);
  const { hiddenSize, vocabSize } = config.decoder;
  const { preset, activations } = await devicePrecision(runtime, device, wanted, config);
  const options = { preset, activations, device, runtime, cacheDir };
  const paths = await compileCheckpoint(checkpoint, config, options);
  const session = await runtime.createSession(paths.decode, { device });
  const table = checkpointEmbeddings(checkpoint, config);

  const vision = device === "cpu" || folder !== undefined ? await visionError(paths.vision) : undefined;

  // On the CPU too: there it moves rows as it does elsewhere.
  const cache = await DeviceKvCache.open(
    runtime,
    config.decoder,
    session,
    { slots: 8, capacity: 2048 },
    cacheType(session),
  );
  const runner = new DecoderRunner(config.decoder, { prefill: session, decode: session }, cache);
  const embed = (one: GoldenCase, from: number, to: number) => {
    const features = reference.get(`${one.name}/adapter`)?.data;
    return promptEmbeddings(one.prompt_ids, features ? [{ key: one.name, features }] : [], from, to, table, hiddenSize);
  };
  const wantedRows = (one: GoldenCase, from: number, to: number) =>
    reference.get(`${one.name}/logits`)!.data.subarray(from * vocabSize, to * vocabSize);
  /** Reads tokens of one sequence; the error of their logits. */
  const read = async (one: GoldenCase, slot: number, from: number, to: number): Promise<number> => {
    const tokens = to - from;
    const logitRows = Array.from({ length: tokens }, (_, i) => i);
    const place = { slots: [slot], tokens, lengths: [from] };
    const logits = await runner.run({ graph: "prefill", ...place, embeds: await embed(one, from, to), logitRows });
    return relativeError(logits.slice(0, tokens * vocabSize), wantedRows(one, from, to));
  };

  const cases = expected.cases.slice(0, 3);
  const held = cases.map(({ prompt_ids }) => prompt_ids.length - LAST);
  await cache.ensure(cases.length, Math.max(...held), []);
  let alone = 0;
  const readTo = async (slot: number, from: number, end: number): Promise<void> => {
    for (let at = from; at < end; at += CHUNK)
      alone = Math.max(alone, await read(cases[slot]!, slot, at, Math.min(end, at + CHUNK)));
  };
  await readTo(2, 0, 2 * CHUNK);
  await readTo(0, 0, held[0]!);
  await readTo(1, 0, CHUNK);
  // A part of a prompt after which nobody wants logits.
  const part = { slots: [2], tokens: 3, lengths: [2 * CHUNK], logitRows: [] };
  await runner.run({ graph: "prefill", ...part, embeds: await embed(cases[2]!, 2 * CHUNK, 2 * CHUNK + 3) });
  await cache.ensure(cases.length + 1, cache.capacity + 1, [held[0]!, CHUNK, 2 * CHUNK]);
  await readTo(1, CHUNK, held[1]!);
  await cache.copy(1, cases.length, held[1]! - 3);
  let copied = await read(cases[1]!, cases.length, held[1]! - 3, held[1]!);
  await cache.copy(0, cases.length, held[0]! - 3);
  copied = Math.max(copied, await read(cases[0]!, cases.length, held[0]! - 3, held[0]!));
  await readTo(2, 2 * CHUNK, held[2]!);
  let together = 0;
  for (let step = 0; step < LAST; step++) {
    const slots = runner.rowsFor(cases.map((_, slot) => slot));
    const lengths = held.map((length) => length + step);
    const embeds = new Float32Array(cases.length * hiddenSize);
    for (const [slot, one] of cases.entries())
      embeds.set(await embed(one, lengths[slot]!, lengths[slot]! + 1), slot * hiddenSize);
    const logits = await runner.run({ graph: "decode", slots, tokens: 1, embeds, lengths, logitRows: [...slots] });
    for (const [slot, one] of cases.entries()) {
      const row = logits.slice(slot * vocabSize, (slot + 1) * vocabSize);
      together = Math.max(together, relativeError(row, wantedRows(one, lengths[slot]!, lengths[slot]! + 1)));
    }
  }
  const keys = await cache.keys(1, held[1]!);
  const keyError = relativeError(headRows(keys[0]!), await keysOnCpu(held[1]!));
  await runner.dispose();
  await checkpoint.close();
  return { preset, vision, alone, together, copied, keys: keyError };

  /** Picture tokens of every picture. */
  async function visionError(graph: string): Promise<number> {
    let worst = 0;
    const encoder = new VisionEncoder(config, await runtime.createSession(graph, { device }), 0);
    for (const one of expected.cases.filter(({ image }) => image !== null)) {
      const { features } = await encoder.encode(
        one.name,
        planPicture(config, { width: 1, height: 1 }),
        () => reference.get(`pixels/${one.image}`)!.data,
      );
      worst = Math.max(worst, relativeError(features, reference.get(`${one.name}/adapter`)!.data));
    }
    await encoder.dispose(new Error("done"));
    return worst;
  }

  /** The first layer's keys as a float32 cache in the CPU's memory holds them. */
  async function keysOnCpu(length: number): Promise<Float32Array> {
    const compiled = await compileCheckpoint(checkpoint, config, {
      preset: "fp32",
      runtime,
      cacheDir,
    });
    await using own = await runtime.createSession(compiled.decode);
    const host = await openKvCache(runtime, config.decoder, own, { slots: 1, capacity: 2048 });
    await host.ensure(1, length, [0]);
    const reader = new DecoderRunner(config.decoder, { prefill: own, decode: own }, host);
    const place = { slots: [0], tokens: length, lengths: [0], logitRows: [] };
    await reader.run({ graph: "prefill", ...place, embeds: await embed(cases[1]!, 0, length) });
    return headRows((await host.keys(0, length))[0]!);
  }

  /** The first tokens that slot 1 holds, of every head of [1, kvHeads, capacity, headDim]. */
  function headRows({ data, dims, dtype }: Tensor): Float32Array {
    const { kvHeads, headDim } = config.decoder;
    const all = toF32(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      dtype === "float16" ? "F16" : "F32",
    );
    const size = held[1]! * headDim;
    const out = new Float32Array(kvHeads * size);
    for (let head = 0; head < kvHeads; head++) {
      const at = head * dims[2]! * headDim;
      out.set(all.subarray(at, at + size), head * size);
    }
    return out;
  }
}

async function answers(): Promise<Pick<DeviceReport, "answer" | "alike">> {
  await using model = await FlashVL.fromPretrained(folder, { preset: wanted, device, cacheDir, maxBatch: 3 });
  const ask = (content: string) => model.chat(picture!, [{ role: "user", content }], { maxNewTokens: 32 });
  const questions = [question!, "How many vegetables are there?", "价格最高的是什么?"];
  const together = await Promise.all(questions.map(ask));
  const alone: string[] = [];
  for (const one of questions) alone.push(await ask(one));
  return { answer: alone[0]!, alike: alone.every((text, i) => text === together[i]) };
}

const report: DeviceReport = { ...(await golden()), ...(folder === undefined ? {} : await answers()) };
console.log(JSON.stringify(report));

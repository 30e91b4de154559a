/** @file Tower, adapter and logits equal PyTorch's, and a checkpoint of other sizes works unchanged. */
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { floatToHalf } from "../../src/common/half.ts";
import { checkpointEmbeddings, compileCheckpoint, loadParameters } from "../../src/compile/index.ts";
import { LiveWeights, liveEmbeddings } from "../../src/engine/index.ts";
import { DecoderRunner, openKvCache } from "../../src/engine/run/index.ts";
import { tokenLogprobs } from "../../src/engine/sampling/index.ts";
import { promptEmbeddings } from "../../src/engine/schedule/prompt-embeddings.ts";
import { type GraphOutputs, input } from "../../src/graph/index.ts";
import {
  type Checkpoint,
  f32ToBf16,
  openCheckpoint,
  toF32,
  writeSafetensors,
  writeShardedSafetensors,
} from "../../src/hub/index.ts";
import {
  decoder,
  listParameters,
  lmHead,
  type ModelConfig,
  parametersOf,
  parseConfig,
  ropeTables,
  sequenceAttend,
  visionGraph,
} from "../../src/model/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { lowerAttention } from "../../src/passes/index.ts";
import {
  buildPrompt,
  loadImage,
  preprocessImage,
  readPreprocessorConfig,
  Tokenizer,
  withImages,
} from "../../src/processor/index.ts";
import type { Session, Tensor } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { expected, expectedTensors, GOLDEN, relativeError } from "./support/golden.ts";
import { pictureOf, temporaryFolder } from "./support/models.ts";

const TOLERANCE = 1e-4;
const reference = expectedTensors();
const cacheDir = temporaryFolder();
const runtime = nativeRuntime();
const open: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of open) await one[Symbol.asyncDispose]();
});
const keep = <One extends AsyncDisposable>(one: One): One => {
  open.push(one);
  return one;
};

const checkpoint = await openCheckpoint(GOLDEN);
const config = parseConfig(checkpoint.config);
const live = new LiveWeights();
live.set(await loadParameters(checkpoint, config));

/** Runs a graph whose input shapes are known, with outputs of the given shapes. */
async function runGraph(
  session: Session,
  inputs: Record<string, Tensor>,
  outputs: Record<string, number[]>,
): Promise<Record<string, Float32Array>> {
  for (const [name, tensor] of Object.entries(inputs)) session.bindInput(name, tensor);
  const tensors = Object.entries(outputs).map(([name, dims]) => [name, runtime.createTensor("float32", dims)] as const);
  for (const [name, tensor] of tensors) session.bindOutput(name, tensor);
  await session.run();
  return Object.fromEntries(tensors.map(([name, tensor]) => [name, tensor.data as Float32Array]));
}

const withPictures = expected.cases.filter((one) => one.image !== null);

describe("the vision graph", () => {
  it("gives PyTorch's tower output and picture tokens for every picture", async () => {
    const session = keep(await live.load(runtime, visionGraph(config, { hidden: true }), { threads: 1 }));
    for (const one of withPictures) {
      const pixels = runtime.createTensor("float32", [1, 3, 128, 128]);
      (pixels.data as Float32Array).set(reference.get(`pixels/${one.image}`)!.data);
      const found = await runGraph(session, { pixels }, { hidden: [1, 64, 64], features: [1, 16, 64] });
      expect(relativeError(found.hidden!, reference.get(`${one.name}/vit`)!.data)).toBeLessThan(TOLERANCE);
      expect(relativeError(found.features!, reference.get(`${one.name}/adapter`)!.data)).toBeLessThan(TOLERANCE);
    }
  });

  it("gives the same from compiled files and our own pixels", async () => {
    const options = { preset: "fp32" as const, runtime, cacheDir };
    const session = keep(await runtime.createSession((await compileCheckpoint(checkpoint, config, options)).vision));
    const preprocessor = readPreprocessorConfig(await checkpoint.readJson("preprocessor_config.json"));
    for (const one of withPictures.filter(({ image }) => image!.endsWith(".png"))) {
      const pixels = runtime.createTensor("float32", [1, 3, 128, 128]);
      (pixels.data as Float32Array).set(preprocessImage(await loadImage(pictureOf(one)!), preprocessor));
      const found = await runGraph(session, { pixels }, { features: [1, 16, 64] });
      expect(relativeError(found.features!, reference.get(`${one.name}/adapter`)!.data)).toBeLessThan(TOLERANCE);
    }
  });
});

describe("the decoder graph", () => {
  it.each([1, 9, 1000])("gives PyTorch's logits at every position, fed %i tokens at a time", async (chunk) => {
    const options = { preset: "fp32" as const, runtime, cacheDir };
    const session = keep(await runtime.createSession((await compileCheckpoint(checkpoint, config, options)).decode));
    const { hiddenSize, vocabSize } = config.decoder;
    const table = checkpointEmbeddings(checkpoint, config);
    for (const one of expected.cases) {
      const cache = await openKvCache(runtime, config.decoder, session, { slots: 1, capacity: 256 });
      await cache.ensure(1, one.prompt_ids.length, [0]);
      const runner = new DecoderRunner(config.decoder, { prefill: session, decode: session }, cache);
      const features = reference.get(`${one.name}/adapter`)?.data;
      const images = features ? [{ key: one.name, features }] : [];
      const logits = new Float32Array(one.prompt_ids.length * vocabSize);
      for (let at = 0; at < one.prompt_ids.length; at += chunk) {
        const end = Math.min(at + chunk, one.prompt_ids.length);
        const embeds = await promptEmbeddings(one.prompt_ids, images, at, end, table, hiddenSize);
        const logitRows = Array.from({ length: end - at }, (_, i) => i);
        const step = {
          graph: "decode" as const,
          slots: [0],
          tokens: end - at,
          embeds,
          lengths: [at],
          logitRows,
        };
        logits.set(await runner.run(step), at * vocabSize);
      }
      expect(relativeError(logits, reference.get(`${one.name}/logits`)!.data)).toBeLessThan(TOLERANCE);
    }
  });
});

describe("the same weights in another form", () => {
  it.each([
    ["float32, in shards", "F32", 700_000],
    // Numbers of eight significant bits are exact in float16, except for tiny ones.
    ["float16, in one file", "F16", undefined],
  ] as const)("%s: every answer is the same", async (_, dtype, maxShardBytes) => {
    const folder = temporaryFolder();
    for (const name of readdirSync(GOLDEN).filter((file) => /config|token/.test(file)))
      copyFileSync(join(GOLDEN, name), join(folder, name));
    const tensors = [...checkpoint.tensors].map(([name, { shape, dtype: stored }]) => {
      const bytes = async () => {
        const values = toF32(await checkpoint.readTensor(name), stored);
        return new Uint8Array((dtype === "F32" ? values : Uint16Array.from(values, floatToHalf)).buffer);
      };
      return { name, dtype, shape, bytes };
    });
    if (maxShardBytes) expect(await writeShardedSafetensors(folder, tensors, {}, maxShardBytes)).toHaveLength(3);
    else await writeSafetensors(join(folder, "model.safetensors"), tensors);
    const model = keep(await FlashVL.fromPretrained(folder, { cacheDir, threads: 1 }));
    for (const one of expected.cases) {
      const { tokens } = await model.generate(pictureOf(one), one.messages, { maxNewTokens: one.generated.length });
      expect(tokens).toEqual(one.generated);
    }
  });
});

describe("a checkpoint of other sizes, tied head, one KV head", () => {
  const folder = temporaryFolder();
  const json = {
    architectures: ["FlashVLStatic"],
    model_type: "FlashVLStaticConfig",
    torch_dtype: "bfloat16",
    image_token_num: 9,
    intermediate_size: 40,
    llm_config: {
      model_type: "qwen2",
      vocab_size: 512,
      max_position_embeddings: 300,
      rope_theta: 10000,
      hidden_size: 48,
      intermediate_size: 112,
      num_hidden_layers: 2,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      eos_token_id: 482,
      tie_word_embeddings: true,
    },
    vision_config: {
      proj_output_dim: 48,
      hidden_size: 36,
      intermediate_size: 60,
      num_hidden_layers: 2,
      num_attention_heads: 3,
      image_size: 48,
      patch_size: 8,
    },
  };

  const write = async (): Promise<{ other: Checkpoint; sizes: ModelConfig }> => {
    for (const name of ["tokenizer.json", "tokenizer_config.json"])
      copyFileSync(join(GOLDEN, name), join(folder, name));
    writeFileSync(join(folder, "config.json"), JSON.stringify(json));
    const sizes = parseConfig(json);
    let state = 7;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32 - 0.5;
    };
    const tensors = listParameters(sizes).map(({ name, shape }) => {
      const norm = /norm|p0\.0/.test(name) && name.endsWith("weight");
      const scale = shape.length > 1 ? 2 / Math.sqrt(shape.at(-1)!) : 0.2;
      const values = Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        () => (norm ? 1 : 0) + random() * scale,
      );
      return { name, dtype: "BF16" as const, shape, bytes: () => new Uint8Array(f32ToBf16(values).buffer) };
    });
    await writeSafetensors(join(folder, "model.safetensors"), tensors);
    return { other: await openCheckpoint(folder), sizes };
  };

  it("answers as the same weights do without a cache, in primitive ops", async () => {
    const { other, sizes } = await write();
    const messages = [{ role: "user" as const, content: "What is the price of 西兰花?" }];
    const picture = join(GOLDEN, "images", "wide.png");
    const model = keep(await FlashVL.fromPretrained(folder, { cacheDir, threads: 1 }));
    const options = {
      doSample: true,
      temperature: 2,
      seed: 1,
      maxNewTokens: 12,
      logprobs: true,
      logitBias: { 482: -1e9 },
    };
    const { tokens, logprobs } = await model.generate(picture, messages, options);

    const weights = new LiveWeights();
    weights.set(await loadParameters(other, sizes));
    const vision = keep(await weights.load(runtime, visionGraph(sizes), { threads: 1 }));
    const pixels = runtime.createTensor("float32", [1, 3, 48, 48]);
    (pixels.data as Float32Array).set(preprocessImage(await loadImage(picture), readPreprocessorConfig({ size: 48 })));
    const features = (await runGraph(vision, { pixels }, { features: [1, 9, 48] })).features!;

    const tokenizer = Tokenizer.fromJSON(await other.readJson("tokenizer.json"));
    const prompt = buildPrompt(tokenizer, withImages(picture, messages), { imageTokens: 9 });
    const ids = [...prompt.ids, ...tokens.slice(0, -1)];
    const table = liveEmbeddings(() => weights.get("llm.model.embed_tokens.weight").data as Float32Array, 48);
    const embeds = await promptEmbeddings(ids, [{ key: "", features }], 0, ids.length, table, 48);
    const session = keep(await weights.load(runtime, sequenceGraph(sizes, ids.length), { threads: 1 }));
    const positions = runtime.createTensor("int64", [1, ids.length]);
    ids.forEach((_, i) => {
      positions.data[i] = BigInt(i);
    });
    const one = () => runtime.createTensor("int32", [1, ids.length]);
    const [segments, branches] = [one(), one()];
    const rows = runtime.wrap("float32", [1, ids.length, 48], embeds.buffer as ArrayBuffer);
    const { logits } = await runGraph(
      session,
      { embeds: rows, positions, segments, branches },
      { logits: [1, ids.length, 512] },
    );
    tokens.forEach((token, t) => {
      const row = logits!.subarray((prompt.ids.length - 1 + t) * 512, (prompt.ids.length + t) * 512);
      expect(logprobs![t]).toBeCloseTo(tokenLogprobs(row, token, 0).logprob, 4);
    });
    expect(new Set(tokens).size).toBeGreaterThan(3);
    await other.close();
  });

  /** The decoder over a whole sequence, as training computes it. */
  function sequenceGraph(sizes: ModelConfig, length: number): GraphOutputs {
    const p = parametersOf(sizes);
    const { cos, sin } = ropeTables(sizes.decoder, sizes.decoder.maxPositions);
    const positions = input("positions", "int64", [1, length]);
    const mask = {
      segments: input("segments", "int32", [1, length]),
      branches: input("branches", "int32", [1, length]),
    };
    const attend = sequenceAttend(sizes.decoder, { positions, ...mask, cos, sin });
    const hidden = decoder(p, sizes, input("embeds", "float32", [1, length, sizes.decoder.hiddenSize]), attend);
    return lowerAttention({ logits: lmHead(p, hidden) });
  }
});

/** @file With the native kernels a token's logits are the same bits in a prompt, alone, in a batch, and in any slot. */
import { afterAll, describe, expect, it } from "vitest";
import { compileCheckpoint } from "../../src/compile/index.ts";
import { DecoderRunner, openKvCache } from "../../src/engine/run/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { PEAK_BLOCK } from "../../src/passes/index.ts";
import { kernelLibraryPath, nativeRuntime } from "../../src/runtime/ort/index.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const checkpoint = await openCheckpoint(GOLDEN);
const config = parseConfig(checkpoint.config);
const { hiddenSize, vocabSize } = config.decoder;
const runtime = nativeRuntime();
const cacheDir = temporaryFolder();
afterAll(() => checkpoint.close());

/** Embeddings of `tokens` tokens that differ by `seed`. */
const embeddings = (seed: number, tokens: number): Float32Array =>
  Float32Array.from({ length: tokens * hiddenSize }, (_, i) => Math.sin(i * 0.7 + seed) * 0.1);

describe.skipIf(!kernelLibraryPath())("on native kernels", () => {
  it.each(["int4", "int8", "w8a8"] as const)(
    "%s gives one sequence the same bits however it is fed",
    async (preset) => {
      const tokens = 20;
      const options = { preset, kernels: "native" as const, runtime, cacheDir };
      const { decode, customOps } = await compileCheckpoint(checkpoint, config, options);
      const session = await runtime.createSession(decode, { threads: 2, customOps });
      const cache = await openKvCache(runtime, config.decoder, session, { slots: 4, capacity: 256 });
      expect(cache.dtype).toBe("float16");
      await cache.ensure(4, tokens, [0, 0, 0, 0]);
      const runner = new DecoderRunner(config.decoder, { prefill: session, decode: session }, cache);
      expect(runner.rowsFor([3, 1])).toEqual([3, 1]);
      const [own, other] = [embeddings(1, tokens), embeddings(2, tokens)];
      const feed = async (slots: number[], past: number, each: number, parts: Float32Array[]) => {
        const embeds = new Float32Array(parts.flatMap((part) => [...part]));
        const logitRows = [...new Array(slots.length * each).keys()];
        const lengths = slots.map(() => past);
        return (await runner.run({ graph: "decode", slots, tokens: each, embeds, lengths, logitRows })).slice();
      };
      const part = (rows: Float32Array, from: number, to: number) => rows.slice(from * hiddenSize, to * hiddenSize);
      const whole = await feed([2], 0, tokens, [own]);
      const peaks = runner.peaks!.slice();
      await feed([3, 0], 0, 11, [part(other, 0, 11), part(own, 0, 11)]);
      for (let at = 11; at < tokens; at++) {
        const together = await feed([0, 3], at, 1, [part(own, at, at + 1), part(other, at, at + 1)]);
        expect(together.slice(0, vocabSize)).toEqual(whole.slice(at * vocabSize, (at + 1) * vocabSize));
      }
      // The peaks are those of the logits.
      const stretches = Math.ceil(vocabSize / PEAK_BLOCK);
      for (let i = 0; i < tokens * stretches; i++) {
        const first = Math.floor(i / stretches) * vocabSize + (i % stretches) * PEAK_BLOCK;
        const end = Math.min(first + PEAK_BLOCK, (Math.floor(i / stretches) + 1) * vocabSize);
        expect(peaks[i]).toBe(Math.max(...whole.subarray(first, end)));
      }
      await runner.dispose();
    },
  );
});

/** @file The engine's core answers over onnxruntime-web as over ONNX Runtime's library: same tokens as PyTorch. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as ort from "onnxruntime-web/wasm";
import { afterAll, describe, expect, it } from "vitest";
import { checkpointEmbeddings, compileCheckpoint, readCheckpoint } from "../../src/compile/index.ts";
import { checkDevice, engineLimits, FlashVL, openKvCache } from "../../src/engine/index.ts";
import { DeviceKvCache } from "../../src/engine/run/device-kv-cache.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { hashImage, makePixels, openImage } from "../../src/processor/index.ts";
import { webRuntime } from "../../src/runtime/web/index.ts";
import { expected, GOLDEN } from "./support/golden.ts";
import { pictureOf, temporaryFolder } from "./support/models.ts";

const web = webRuntime(ort);
const checkpoint = await openCheckpoint(GOLDEN);
afterAll(() => checkpoint.close());
const description = await readCheckpoint(checkpoint);
const { config } = description;
const paths = await compileCheckpoint(checkpoint, config, {
  preset: "fp32",
  kernels: "standard",
  runtime: web,
  cacheDir: temporaryFolder(),
});

/** Puts an engine together as a page would, with files in place of downloads. */
async function open(openCache: typeof openKvCache): Promise<FlashVL> {
  const weights = await readFile(join(dirname(paths.decode), "weights.data"));
  const load = async (path: string) =>
    web.createSession(await readFile(path), { externalData: new Map([["weights.data", weights]]) });
  const decode = await load(paths.decode);
  const sessions = { vision: await load(paths.vision), prefill: decode, decode };
  const limits = engineLimits({}, config.decoder.maxPositions);
  const most = { slots: limits.maxBatch, capacity: limits.maxContext };
  const { maxContext, maxBatch } = limits;
  return new FlashVL({
    info: { name: "static-tiny", device: "cpu", runtime: web.version, maxContext, maxBatch, weights: "compiled" },
    description,
    runtime: web,
    sessions,
    cache: await openCache(web, config.decoder, decode, most),
    embeddings: checkpointEmbeddings(checkpoint, config),
    live: undefined,
    limits,
    pictureLimits: {},
    pictures: { open: openImage, hash: hashImage, pixels: makePixels },
    close: async () => {},
  });
}

const ask = (model: FlashVL, one: (typeof expected.cases)[number]) =>
  model.generate(pictureOf(one), one.messages, { maxNewTokens: one.generated.length });
const generated = expected.cases.map((one) => one.generated);

describe("over onnxruntime-web", () => {
  it("answers equal PyTorch's token for token, one after the other and all at once", async () => {
    expect(paths.prefill).toBe(paths.decode);
    await checkDevice(web, "cpu");
    await using model = await open(openKvCache);
    for (const one of expected.cases) expect((await ask(model, one)).tokens).toEqual(one.generated);
    const together = await Promise.all(expected.cases.map((one) => ask(model, one)));
    expect(together.map(({ tokens }) => tokens)).toEqual(generated);
  });

  it("they are the same with the KV cache in memory of the runtime's own, whose rows graphs move", async () => {
    await using model = await open((runtime, decoder, session, most) =>
      DeviceKvCache.open(runtime, decoder, session, most, "float32"),
    );
    const together = await Promise.all(expected.cases.map((one) => ask(model, one)));
    expect(together.map(({ tokens }) => tokens)).toEqual(generated);
    for (const one of expected.cases) expect((await ask(model, one)).tokens).toEqual(one.generated);
  });
});

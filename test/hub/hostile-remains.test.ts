import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { CheckpointError, openCheckpoint } from "../../src/hub/index.ts";
import { resolveWith } from "../../src/hub/resolve-model.ts";
import { FakeHub, sha256 } from "./fake-hub.ts";
import { quickSystem, smallModel, temporaryFolder } from "./model-files.ts";

const numRuns = process.env.FLASHVL_FUZZ ? Number(process.env.FLASHVL_FUZZ) || 2000 : 25;

it("whatever an earlier download has left behind, the file is right in the end", async () => {
  const files = smallModel(100_000);
  const hub = await new FakeHub(files).start();
  const weights = files.get("model.safetensors")!.content;
  const size = weights.length;
  const line = fc.oneof(
    fc.tuple(fc.nat(size + 10), fc.nat(size + 10)).map(([a, b]) => `${a} ${b}`),
    fc.constantFrom("forget", "", "-1 5", "0 1e9", `0 ${size}`, "0 "),
    fc.string({ maxLength: 12 }),
  );
  const firstLine = fc.oneof(
    { weight: 4, arbitrary: fc.constant(String(size)) },
    { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  );
  const remains = fc.record({
    log: fc.tuple(firstLine, fc.array(line, { maxLength: 6 })).map(([first, lines]) => [first, ...lines].join("\n")),
    data: fc.oneof(
      fc.constant(weights),
      fc.nat(size).map((length) => weights.subarray(0, length)),
      fc.uint8Array({ maxLength: 500 }),
    ),
  });
  try {
    await fc.assert(
      fc.asyncProperty(remains, async ({ log, data }) => {
        const { folder, remove } = await temporaryFolder();
        try {
          const blob = join(folder, "models--org--model", "blobs", sha256(weights));
          await mkdir(join(blob, ".."), { recursive: true });
          await writeFile(`${blob}.flashvl.incomplete`, data);
          await writeFile(`${blob}.flashvl.parts`, log);
          const model = await resolveWith(quickSystem(), "org/model", {
            cacheDir: folder,
            endpoint: hub.endpoint,
            offline: false,
          });
          expect((await readFile(join(model, "model.safetensors"))).equals(weights)).toBe(true);
        } finally {
          await remove();
        }
      }),
      { numRuns },
    );
  } finally {
    await hub.stop();
  }
});

it("whatever an index says, the folder opens or is refused with a CheckpointError", async () => {
  const { folder, remove } = await temporaryFolder();
  await writeFile(join(folder, "config.json"), "{}");
  await writeFile(join(folder, "one.safetensors"), smallModel(8).get("model.safetensors")!.content);
  const shard = fc.oneof(
    fc.constantFrom("one.safetensors", "two.safetensors", "../one.safetensors", "__proto__"),
    fc.string({ maxLength: 8 }),
  );
  const index = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.dictionary(fc.constantFrom("w", "v", "__proto__"), shard).map((map) => JSON.stringify({ weight_map: map })),
    fc.string(),
  );
  try {
    await fc.assert(
      fc.asyncProperty(index, async (text) => {
        await writeFile(join(folder, "model.safetensors.index.json"), text);
        try {
          const checkpoint = await openCheckpoint(folder);
          expect([...checkpoint.tensors.keys()].every((name) => name === "w")).toBe(true);
          await checkpoint.close();
        } catch (error) {
          if (!(error instanceof CheckpointError)) throw error;
        }
      }),
      { numRuns: 4 * numRuns },
    );
  } finally {
    await remove();
  }
});

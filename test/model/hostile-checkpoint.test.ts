/** @file A checkpoint of any family whose config or tensors are hostile is refused in words, and before memory is given to its claims. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadParameters, openModelCheckpoint } from "../../src/compile/index.ts";
import { familyFolder } from "../engine/support/golden.ts";
import { faultOf } from "../fuzz/target.ts";
import { rawSafetensors } from "../hub/safetensors-bytes.ts";

type Json = Record<string, unknown>;
interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const FOLDERS = ["static-tiny", "internvl3-tiny", "internvl3-hf-tiny", "internvl3_5-tiny", "dynamic-tiny", "iss-tiny"];
/** Far more than any of these files has, far less than what they claim. */
const MOST_BYTES = 200e6;
const HUGE = 2 ** 40;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-hostile-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(FOLDERS)("%s", (name) => {
  const file = readFileSync(join(familyFolder(name), "model.safetensors"));
  const length = Number(file.readBigUInt64LE(0));
  const data = file.subarray(8 + length);
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<string, Entry>;
  const config = JSON.parse(readFileSync(join(familyFolder(name), "config.json"), "utf8")) as Json;
  const tensors = Object.keys(header).filter((key) => key !== "__metadata__");

  /** Opens and reads what the two files say. @returns why it is refused; undefined when it is not */
  async function open(json: unknown, entries: unknown, bytes: Uint8Array = data): Promise<Error | undefined> {
    await writeFile(join(folder, "config.json"), JSON.stringify(json));
    await writeFile(join(folder, "model.safetensors"), rawSafetensors(JSON.stringify(entries), bytes));
    try {
      const opened = await openModelCheckpoint(folder, name === "iss-tiny" ? { iss: "trim" } : {});
      await loadParameters(opened.checkpoint, opened.config).finally(() => opened.checkpoint.close());
    } catch (error) {
      expect(faultOf(error), String((error as Error).stack)).toBeUndefined();
      return error as Error;
    }
    return undefined;
  }
  const used = tensors.filter((key) => !key.startsWith("vit.head."));
  const tensor = fc.constantFrom(...used);
  const checked = (property: fc.IAsyncProperty<unknown>) => fc.assert(property as never, { numRuns: 12, seed: 14 });

  it("opens as it is", async () => {
    expect(await open(config, header)).toBeUndefined();
  });

  it("a tensor that is missing, of another shape or of another type is refused, or read by its type", () =>
    checked(
      fc.asyncProperty(tensor, fc.constantFrom("missing", "shape", "dtype"), async (key, how) => {
        const { [key]: own, ...rest } = header;
        const { shape, data_offsets } = own!;
        const flat = [shape.reduce((product, size) => product * size, 1), 1, 1];
        const wrong = { missing: {}, shape: { ...own!, shape: flat }, dtype: { dtype: "I64", shape, data_offsets } }[
          how
        ];
        const refused = await open(config, how === "missing" ? rest : { ...rest, [key]: wrong });
        expect(refused?.message, `${how} ${key}`).toBeTruthy();
      }),
    ));

  it("a file that is cut short is refused", () =>
    checked(
      fc.asyncProperty(fc.integer({ min: 0, max: data.length - 1 }), async (kept) => {
        expect((await open(config, header, data.subarray(0, kept)))?.message).toMatch(/truncated|bytes|end|short/i);
      }),
    ));

  it("claims of sizes that no file has cost no memory", async () => {
    const before = process.memoryUsage().rss;
    for (const [key, value] of Object.entries(config)) {
      if (typeof value === "number") await open({ ...config, [key]: HUGE }, header);
      if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
      for (const [inner, size] of Object.entries(value))
        if (typeof size === "number") await open({ ...config, [key]: { ...value, [inner]: HUGE } }, header);
    }
    const first = used[0]!;
    const claim = { ...header[first]!, shape: [HUGE, HUGE], data_offsets: [0, 2 ** 50] };
    expect((await open(config, { ...header, [first]: claim }))?.message).toBeTruthy();
    expect(process.memoryUsage().rss - before).toBeLessThan(MOST_BYTES);
  });
});

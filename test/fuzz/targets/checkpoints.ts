/** @file Targets: what a checkpoint's folder holds. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadParameters, openModelCheckpoint } from "../../../src/compile/index.ts";
import { openSafetensors } from "../../../src/hub/index.ts";
import { listParameters, parseConfig } from "../../../src/model/index.ts";
import { readPreprocessorConfig, Tokenizer } from "../../../src/processor/index.ts";
import { entry, rawSafetensors } from "../../hub/safetensors-bytes.ts";
import { jsons, type OpenTarget, parsed } from "../target.ts";

const FAMILIES = ["static-tiny", "dynamic-tiny", "internvl3-tiny", "internvl3-hf-tiny", "internvl3_5-tiny", "iss-tiny"];
const golden = async (family: string, name: string): Promise<unknown> =>
  JSON.parse(await readFile(fileURLToPath(new URL(`../../golden/${family}/${name}`, import.meta.url)), "utf8"));

/** A safetensors file is opened, and its first tensors are read. */
export const safetensors: OpenTarget = async (folder) => {
  const path = join(folder, "fuzz.safetensors");
  const data = new Uint8Array(64);
  return {
    corpus: [
      rawSafetensors(`{${entry("a", "F32", [2, 2], [0, 16])},${entry("b", "BF16", [24], [16, 64])}}`, data),
      rawSafetensors(`{"__metadata__":{"format":"pt"},${entry("x.weight", "U8", [64], [0, 64])}}`, data),
      rawSafetensors(
        `{${entry("empty", "F64", [0, 3], [0, 0])},${entry("scalar", "I64", [], [0, 8])}}`,
        data.slice(0, 8),
      ),
    ],
    async run(input) {
      await writeFile(path, input);
      const file = await openSafetensors(path);
      try {
        for (const [name, { bytes }] of [...file.tensors].slice(0, 3))
          await file.readRange(name, 0, Math.min(bytes, 64));
      } finally {
        await file.close();
      }
    },
  };
};

/** config.json of every family becomes a model's sizes and its list of parameters. */
export const config: OpenTarget = async () => ({
  corpus: jsons(...(await Promise.all(FAMILIES.map((family) => golden(family, "config.json"))))),
  json: true,
  async run(input) {
    const json = parsed(input);
    if (json) listParameters(parseConfig(json.value));
  },
});

/** tokenizer.json becomes a tokenizer, which encodes and decodes. */
export const tokenizer: OpenTarget = async () => {
  const small = (await golden("static-tiny", "tokenizer.json")) as {
    model: { vocab: Record<string, number>; merges: unknown[] };
  };
  return {
    corpus: jsons(small),
    json: true,
    async run(input) {
      const json = parsed(input);
      if (!json) return;
      const made = Tokenizer.fromJSON(json.value);
      made.decode(made.encode("What is 价格? <|im_end|> \u0000"));
    },
  };
};

/** preprocessor_config.json. */
export const preprocessor: OpenTarget = async () => ({
  corpus: jsons(...(await Promise.all(FAMILIES.map((family) => golden(family, "preprocessor_config.json"))))),
  json: true,
  async run(input) {
    const json = parsed(input);
    if (json) readPreprocessorConfig(json.value);
  },
});

/** A whole checkpoint of any family: hostile config.json beside hostile headers, dtypes, shapes and offsets, and files cut short. */
export const checkpoint: OpenTarget = async (folder) => {
  const families = await Promise.all(FAMILIES.map(readFamily));
  return {
    corpus: jsons(...families.map(({ config, header, data }) => ({ config, header, bytes: data.length }))),
    json: true,
    async run(input) {
      const json = parsed(input)?.value as { config?: unknown; header?: unknown; bytes?: unknown } | null | undefined;
      if (typeof json !== "object" || json === null) return;
      const { config, header, bytes } = json;
      await writeFile(join(folder, "config.json"), JSON.stringify(config) ?? "");
      const length = typeof bytes === "number" && bytes >= 0 && bytes <= MOST_DATA ? Math.floor(bytes) : 0;
      await writeFile(
        join(folder, "model.safetensors"),
        rawSafetensors(JSON.stringify(header) ?? "", new Uint8Array(length)),
      );
      const { checkpoint: opened, config: read } = await openModelCheckpoint(folder, { iss: "trim" });
      try {
        // Reading checks dtype, shape and place of every tensor.
        await loadParameters(opened, read);
      } finally {
        await opened.close();
      }
    },
  };
};

/** Data of a hostile file, which nobody may claim more of. */
const MOST_DATA = 1 << 22;

/** What a golden folder's files say. */
async function readFamily(family: string): Promise<{ config: unknown; header: unknown; data: Uint8Array }> {
  const file = await readFile(fileURLToPath(new URL(`../../golden/${family}/model.safetensors`, import.meta.url)));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  return { config: await golden(family, "config.json"), header, data: file.subarray(8 + length) };
}

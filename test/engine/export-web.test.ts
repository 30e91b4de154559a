/** @file Exporting a model for pages: chunks named by their content make up the compiled files; whole or not at all. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { checkManifest, chunkPath, filesFor } from "../../src/browser/manifest.ts";
import { compileCheckpoint, exportWeb, openModelCheckpoint } from "../../src/compile/index.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const folder = temporaryFolder();
const cacheDir = join(folder, "cache");
const { checkpoint, config } = await openModelCheckpoint(GOLDEN);
afterAll(() => checkpoint.close());
const MORE = { preset: "fp32", cacheDir } as const;

it("the chunks of a file are what was compiled, and the table of embeddings is the checkpoint's", async () => {
  const out = join(folder, "whole");
  const { manifest } = await exportWeb(checkpoint, config, out, { ...MORE, chunkBytes: 100_000 });
  expect(checkManifest(JSON.parse(await readFile(join(out, "manifest.json"), "utf8")), "manifest")).toEqual(manifest);
  const read = async (name: string) => {
    const { bytes, chunks } = manifest.files[name]!;
    const parts = await Promise.all(
      chunks.map(async (chunk) => {
        const part = await readFile(join(out, chunkPath(chunk)));
        expect([part.length, createHash("sha256").update(part).digest("hex")]).toEqual([chunk.bytes, chunk.sha256]);
        return part;
      }),
    );
    const file = Buffer.concat(parts);
    expect(file.length).toBe(bytes);
    return file;
  };
  const runtime = { version: `onnxruntime-web ${manifest.onnxruntime}`, kernels: undefined };
  for (const device of ["wasm", "webgpu"] as const) {
    const compiled = await compileCheckpoint(checkpoint, config, {
      ...MORE,
      kernels: "standard",
      device: device === "wasm" ? "cpu" : "webgpu",
      runtime,
    });
    expect(compiled.fresh).toBe(false);
    const graphs = manifest.graphs[device]!;
    const weights = join(compiled.folder, "weights.data");
    for (const [name, path] of [
      [graphs.vision, compiled.vision],
      [graphs.decode, compiled.decode],
      [graphs.weights, weights],
    ])
      expect((await read(name!)).equals(await readFile(path!))).toBe(true);
    expect(manifest.files[graphs.weights]!.chunks.length).toBeGreaterThan(3);
    for (const name of filesFor(manifest, device)) expect(manifest.files).toHaveProperty([name]);
  }
  const table = await checkpoint.readTensor("llm.model.embed_tokens.weight");
  expect((await read("embeddings.data")).equals(table)).toBe(true);
  expect(JSON.parse((await read("tokenizer.json")).toString())).toEqual(await checkpoint.readJson("tokenizer.json"));
  // Nothing lies there that no file needs.
  const named = Object.values(manifest.files).flatMap(({ chunks }) => chunks.map(chunkPath));
  expect(new Set((await readdir(join(out, "chunks"))).map((name) => `chunks/${name}`))).toEqual(new Set(named));
});

it("a folder with something in it is refused, and an export that ends early leaves nothing", async () => {
  const out = join(folder, "taken");
  await mkdir(out);
  await writeFile(join(out, "mine"), "");
  await expect(exportWeb(checkpoint, config, out, MORE)).rejects.toThrow("is not empty");
  expect(await readdir(out)).toEqual(["mine"]);
  const gone = join(folder, "gone");
  await expect(exportWeb(checkpoint, config, gone, { ...MORE, signal: AbortSignal.abort() })).rejects.toThrow("abort");
  await expect(exportWeb(checkpoint, config, gone, { ...MORE, preset: "fp16", devices: ["wasm"] })).rejects.toThrow(
    "GPUs",
  );
  await expect(exportWeb(checkpoint, config, gone, { ...MORE, chunkBytes: 2 ** 30 })).rejects.toThrow("chunkBytes");
  expect(existsSync(gone)).toBe(false);
  expect((await readdir(folder)).filter((name) => name.startsWith("gone"))).toEqual([]);
});

it("what is no manifest of this version is refused by name", async () => {
  const out = join(folder, "whole");
  const manifest = JSON.parse(await readFile(join(out, "manifest.json"), "utf8"));
  const check = (changes: object) => () => checkManifest({ ...manifest, ...changes }, "http://a/manifest.json");
  expect(check({})).not.toThrow();
  expect(() => checkManifest("<!doctype html>", "http://a/manifest.json")).toThrow("is not the manifest of a model");
  expect(check({ version: 2 })).toThrow("format version 2; this version reads 1");
  expect(check({ config: undefined })).toThrow("is incomplete");
  expect(check({ embeddings: { file: "other", dtype: "BF16" } })).toThrow("lists no file other");
  const wrong = { ...manifest.files, "tokenizer.json": { bytes: 7, chunks: [{ sha256: "../../a", bytes: 7 }] } };
  expect(check({ files: wrong })).toThrow("of tokenizer.json");
});

/** @file Compiling makes a whole folder or none, once, and is done again only when it must be. */
import { fork } from "node:child_process";
import { copyFileSync, cpSync, existsSync, readdirSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type CompileOptions, compileCacheFolder, compileCheckpoint } from "../../src/compile/index.ts";
import { type Checkpoint, openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { leaveLock } from "../common/leave-lock.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const FILES = ["decode.onnx", "manifest.json", "vision.onnx", "weights.data"];
const compile = async (checkpoint: Checkpoint, options: Partial<CompileOptions> & { cacheDir: string }) =>
  compileCheckpoint(checkpoint, parseConfig(checkpoint.config), {
    preset: "fp32",
    runtime: { version: "test", kernels: undefined },
    ...options,
  });
const compiledIn = (cacheDir: string): string[] =>
  existsSync(join(cacheDir, "compiled")) ? readdirSync(join(cacheDir, "compiled")) : [];
/** A copy of the tiny checkpoint that may be changed. */
const copyOfTiny = (): string => {
  const folder = temporaryFolder();
  for (const name of ["config.json", "model.safetensors"]) copyFileSync(join(GOLDEN, name), join(folder, name));
  return folder;
};

describe("compiling", () => {
  it("writes once, and finds the files the next time", async () => {
    const cacheDir = temporaryFolder();
    const checkpoint = await openCheckpoint(GOLDEN);
    const progress: [number, number][] = [];
    const first = await compile(checkpoint, { cacheDir, onProgress: (done, total) => progress.push([done, total]) });
    const second = await compile(checkpoint, { cacheDir });
    expect([first.fresh, second.fresh]).toEqual([true, false]);
    expect(second.folder).toBe(first.folder);
    expect(readdirSync(first.folder).sort()).toEqual(FILES);
    expect(progress.at(-1)![0]).toBe(progress.at(-1)![1]);
    expect(progress.every(([done], i) => i === 0 || done > progress[i - 1]![0])).toBe(true);
    await checkpoint.close();
  });

  it("is done anew for another runtime, another file time, or a damaged folder", async () => {
    const cacheDir = temporaryFolder();
    const folder = copyOfTiny();
    let checkpoint = await openCheckpoint(folder);
    const first = await compile(checkpoint, { cacheDir });
    expect(
      (await compile(checkpoint, { cacheDir, runtime: { version: "other", kernels: undefined } })).folder,
    ).not.toBe(first.folder);
    truncateSync(join(first.folder, "weights.data"), 100);
    expect(await compile(checkpoint, { cacheDir })).toEqual({ ...first, fresh: true });
    await checkpoint.close();
    utimesSync(join(folder, "model.safetensors"), 1e9, 1e9);
    checkpoint = await openCheckpoint(folder);
    expect((await compile(checkpoint, { cacheDir })).folder).not.toBe(first.folder);
    await checkpoint.close();
  });

  it("leaves nothing behind when it is aborted, and works afterwards", async () => {
    const cacheDir = temporaryFolder();
    const checkpoint = await openCheckpoint(GOLDEN);
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = (done: number) => {
      if (done > 1_000_000) controller.abort(reason);
    };
    await expect(compile(checkpoint, { cacheDir, signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(compiledIn(cacheDir)).toEqual([]);
    expect((await compile(checkpoint, { cacheDir })).fresh).toBe(true);
    await checkpoint.close();
  });

  it("leaves nothing behind when reading or writing fails", async () => {
    const cacheDir = temporaryFolder();
    const checkpoint = await openCheckpoint(GOLDEN);
    const failing: Checkpoint = Object.create(checkpoint, {
      readRange: {
        value: (name: string, start: number, end: number) =>
          name.endsWith("lm_head.weight") && end - start > 5000
            ? Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" }))
            : checkpoint.readRange(name, start, end),
      },
    });
    await expect(compile(failing, { cacheDir })).rejects.toThrow("no space left");
    expect(compiledIn(cacheDir)).toEqual([]);
    await checkpoint.close();
  });

  it("asks for room before it writes", async () => {
    const cacheDir = temporaryFolder();
    const checkpoint = await openCheckpoint(GOLDEN);
    const freeBytes = async () => 1000;
    await expect(compile(checkpoint, { cacheDir, freeBytes })).rejects.toThrow(
      /Compiling needs 0\.07 GiB in .*the disk has 0\.00 GiB free.*cacheDir or FLASHVL_CACHE/s,
    );
    expect(compiledIn(cacheDir)).toEqual([]);
    await checkpoint.close();
  });

  it("reports every tensor that does not fit config.json, before it writes", async () => {
    const cacheDir = temporaryFolder();
    const folder = copyOfTiny();
    const checkpoint = await openCheckpoint(folder);
    const json = structuredClone(checkpoint.config) as { llm_config: { intermediate_size: number } };
    json.llm_config.intermediate_size = 161;
    const options = { preset: "fp32" as const, runtime: { version: "test", kernels: undefined }, cacheDir };
    const error = await compileCheckpoint(checkpoint, parseConfig(json), options).catch((e: Error) => e);
    expect(String(error)).toMatch(/9 of \d+ tensors do not fit/);
    expect(String(error)).toMatch(/layers\.2\.mlp\.down_proj.*found BF16 \[64, 160\], expected .*\[64, 161\]/);
    expect(compiledIn(cacheDir)).toEqual([]);
    await checkpoint.close();
  });

  it("clears away what a killed process left, and takes over its lock", async () => {
    const cacheDir = temporaryFolder();
    const checkpoint = await openCheckpoint(GOLDEN);
    const { folder } = await compile(checkpoint, { cacheDir });
    const remains = `${folder}.tmp-99999-1`;
    cpSync(folder, remains, { recursive: true });
    truncateSync(join(folder, "decode.onnx"), 10);
    leaveLock(`${folder}.lock`);
    expect((await compile(checkpoint, { cacheDir })).fresh).toBe(true);
    expect(compiledIn(cacheDir)).toEqual([folder.split("/").at(-1)]);
    await checkpoint.close();
  });

  it("is done by one of two processes that start at once", async () => {
    const cacheDir = temporaryFolder();
    const worker = fileURLToPath(new URL("./support/compile-process.ts", import.meta.url));
    const run = () =>
      new Promise<{ folder: string; fresh: boolean }>((resolve, reject) => {
        const child = fork(worker, [GOLDEN, cacheDir], { execArgv: ["--import", "tsx"] });
        child.once("message", (message) => resolve(message as { folder: string; fresh: boolean }));
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`exit ${code}`)));
      });
    const [a, b] = await Promise.all([run(), run()]);
    expect(a.folder).toBe(b.folder);
    expect([a.fresh, b.fresh].sort()).toEqual([false, true]);
    expect(readdirSync(a.folder).sort()).toEqual(FILES);
    expect(compiledIn(cacheDir)).toHaveLength(1);
  });

  it("chooses its folder from option, FLASHVL_CACHE and XDG_CACHE_HOME, in that order", () => {
    const environment = { FLASHVL_CACHE: "/a", XDG_CACHE_HOME: "/b" };
    expect(compileCacheFolder("/c", environment)).toBe("/c");
    expect(compileCacheFolder(undefined, environment)).toBe("/a");
    expect(compileCacheFolder(undefined, { XDG_CACHE_HOME: "/b" })).toBe("/b/flashvl");
  });
});

/** @file The cache of compiled graphs is cleared of what nobody can use, and of nothing else. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { expect, it, vi } from "vitest";
import { compileCheckpoint, listCompiled, openCompiled, pruneCompiled } from "../../src/compile/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { leaveLock } from "../common/leave-lock.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const runtimeVersion = "test";

/** A copy of the tiny checkpoint and its compiled form in a cache of its own. */
async function compiled() {
  const cacheDir = temporaryFolder();
  const source = temporaryFolder();
  for (const name of ["config.json", "model.safetensors"]) copyFileSync(join(GOLDEN, name), join(source, name));
  const compile = async (runtime = runtimeVersion): Promise<string> => {
    const checkpoint = await openCheckpoint(source);
    const options = { preset: "fp32", runtime: { version: runtime, kernels: undefined }, cacheDir } as const;
    const { folder } = await compileCheckpoint(checkpoint, parseConfig(checkpoint.config), options);
    await checkpoint.close();
    return folder;
  };
  const states = async () =>
    Object.fromEntries((await listCompiled({ cacheDir, runtimeVersion })).map(({ folder, state }) => [folder, state]));
  const prune = async (all = false) =>
    (await pruneCompiled({ cacheDir, runtimeVersion, all })).map(({ folder }) => folder).sort();
  return { cacheDir, source, compile, states, prune, folder: await compile() };
}

it("lists each folder with its size, origin and use", async () => {
  const { cacheDir, source, folder } = await compiled();
  const [entry, ...others] = await listCompiled({ cacheDir, runtimeVersion });
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ folder, state: "current", preset: "fp32", checkpoint: source });
  expect(entry!.versions).toMatch(/^flashvl \d+\.\d+\.\d+, test$/);
  expect(entry!.bytes).toBeGreaterThan(3_900_000);
  expect(await listCompiled({ cacheDir: join(cacheDir, "none"), runtimeVersion })).toEqual([]);
});

it("removes what other versions made, what is incomplete, and nothing else", async () => {
  const { cacheDir, compile, states, prune, folder } = await compiled();
  const [older, damaged] = [await compile("older"), await compile("damaged")];
  truncateSync(join(damaged, "weights.data"), 10);
  const killed = `${folder}.tmp-1-2`;
  mkdirSync(killed);
  writeFileSync(join(killed, "weights.data"), "half");
  writeFileSync(join(cacheDir, "compiled", "notes.txt"), "mine");
  expect(await states()).toEqual({
    [folder]: "current",
    [older]: "other-version",
    [damaged]: "incomplete",
    [killed]: "incomplete",
  });
  expect(await prune()).toEqual([older, damaged, killed].sort());
  expect(readdirSync(join(cacheDir, "compiled")).sort()).toEqual([basename(folder), "notes.txt"].sort());
  expect(await prune()).toEqual([]);
  expect(await compile()).toBe(folder);
});

it("removes what belongs to a checkpoint that has changed or is gone", async () => {
  const { source, compile, states, prune, folder } = await compiled();
  utimesSync(join(source, "model.safetensors"), 1e9, 1e9);
  const fresh = await compile();
  expect(await states()).toEqual({ [folder]: "checkpoint-changed", [fresh]: "current" });
  expect(await prune()).toEqual([folder]);
  rmSync(source, { recursive: true });
  expect(await states()).toEqual({ [fresh]: "checkpoint-gone" });
  expect(await prune()).toEqual([fresh]);
  expect(await states()).toEqual({});
});

it("leaves alone what somebody is writing, and removes everything else when asked to", async () => {
  const { compile, states, prune, folder } = await compiled();
  const lock = `${folder}.lock`;
  const unfinished = `${folder}.tmp-3-4`;
  mkdirSync(unfinished);
  writeFileSync(lock, "");
  const other = await compile("older");
  expect(await states()).toEqual({ [folder]: "busy", [unfinished]: "busy", [other]: "other-version" });
  expect(await prune(true)).toEqual([other]);
  leaveLock(lock);
  expect(await prune(true)).toEqual([folder, unfinished].sort());
  expect([existsSync(folder), existsSync(unfinished), existsSync(lock)]).toEqual([false, false, false]);
});

it("notices a changed byte before the graphs are used, once per start of the machine, and on request", async () => {
  const { cacheDir, compile, folder } = await compiled();
  const weights = join(folder, "weights.data");
  const { atimeMs, mtimeMs } = statSync(weights);
  const flip = () => {
    const bytes = readFileSync(weights);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(weights, bytes);
  };
  const checked = async () => (await listCompiled({ cacheDir, runtimeVersion, check: true })).map(({ state }) => state);
  expect(await checked()).toEqual(["current"]);
  flip();
  // A disk that loses a bit tells nobody.
  utimesSync(weights, atimeMs / 1000, mtimeMs / 1000);
  expect(await checked()).toEqual(["damaged"]);
  const checkpoint = await openCheckpoint(GOLDEN);
  await expect(openCompiled(folder, checkpoint, { version: runtimeVersion, kernels: undefined })).rejects.toThrow(
    "weights.data is damaged",
  );
  await checkpoint.close();
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    expect(await compile()).toBe(folder);
    expect(stderr.mock.calls.flat().join("")).toContain(`${weights} is damaged: the graphs are compiled anew.`);
  } finally {
    stderr.mockRestore();
  }
  expect(await checked()).toEqual(["current"]);
  flip();
  const removed = await pruneCompiled({ cacheDir, runtimeVersion, check: true });
  expect(removed.map(({ state }) => state)).toEqual(["damaged"]);
  expect(readdirSync(join(cacheDir, "checked"))).toEqual([]);
});

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeFolder, writableFolder } from "./make-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("folders are made to any depth, and twice at once", async () => {
  const deep = join(folder, "a", "b", "c");
  await Promise.all([makeFolder(deep), makeFolder(deep)]);
  await makeFolder(deep);
  expect((await stat(deep)).isDirectory()).toBe(true);
});

it("a file in the way is named", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(folder, "file", "x"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

it("where a folder cannot be written, one in the temporary folder serves, with one note", async () => {
  const own = join(folder, "cache");
  expect(await writableFolder(own, "test")).toBe(own);
  await writeFile(join(folder, "home"), "");
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  try {
    const instead = await writableFolder(join(folder, "home", ".cache"), "test");
    expect(instead.startsWith(join(folder, "flashvl-test-"))).toBe(true);
    expect(await writableFolder(join(folder, "home", ".cache"), "test")).toBe(instead);
    expect(stderr.mock.calls).toEqual([[expect.stringContaining(`cannot be written (ENOTDIR); using ${instead}`)]]);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    stderr.mockRestore();
  }
});

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readState, StateFileError, writeState } from "./state-file.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-state-"));
  file = join(folder, "state.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = () => readState(file, 3, (state) => state, "Remove it.");

it("what was written is read, without what JSON cannot hold, and nothing lies beside it", async () => {
  const state = { b: 1, 7: "seven", nested: { list: [1, null, "x"] }, absent: undefined };
  await writeState(file, 3, state);
  expect(await read()).toEqual({ b: 1, 7: "seven", nested: { list: [1, null, "x"] } });
  expect(await readdir(folder)).toEqual(["state.json"]);
  expect(await readState(join(folder, "none.json"), 3, (s) => s, "")).toBeUndefined();
});

it("every cut, every changed byte and every other version is noticed and named, with the way out", async () => {
  await writeState(file, 3, { step: 22, name: "a" });
  const text = await readFile(file, "utf8");
  // White space at the end is not content.
  for (let i = 0; i < text.trimEnd().length; i++) {
    await writeFile(file, text.slice(0, i));
    await expect(read()).rejects.toThrow(StateFileError);
    if (/\s/.test(text[i]!)) continue;
    await writeFile(file, `${text.slice(0, i)}${text[i] === "5" ? "6" : "5"}${text.slice(i + 1)}`);
    await expect(read()).rejects.toThrow(`${file} cannot be used: `);
  }
  for (const other of ["", "null", "[]", "7", '{"version":2}']) {
    await writeFile(file, other);
    await expect(read()).rejects.toThrow(/Remove it\.$/);
  }
});

it("what the reader does not expect is named too", async () => {
  await writeState(file, 3, { cursor: null });
  const check = () => {
    throw new Error("cursor is null, expected a number");
  };
  await expect(readState(file, 3, check, "Use the one before.")).rejects.toThrow(
    `${file} cannot be used: cursor is null, expected a number. Use the one before.`,
  );
});

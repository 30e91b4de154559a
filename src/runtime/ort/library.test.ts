/** @file The library is found on every platform that has one. */
import { afterEach, expect, it } from "vitest";
import { ortLibraryPath } from "./library.ts";

const before = process.env.FLASHVL_ORT_LIBRARY;
afterEach(() => {
  if (before === undefined) delete process.env.FLASHVL_ORT_LIBRARY;
  else process.env.FLASHVL_ORT_LIBRARY = before;
});

it("has a file for every platform that the package ships, and says which those are", () => {
  for (const [platform, arch] of [
    ["linux", "x64"],
    ["linux", "arm64"],
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["win32", "arm64"],
  ] as const) {
    expect(ortLibraryPath(platform, arch)).toMatch(new RegExp(`${platform}.${arch}.+onnxruntime`));
  }
  expect(() => ortLibraryPath("sunos", "x64")).toThrow(/no library for sunos\/x64; it has linux\/x64/);
});

it("takes another library from the environment, if it exists", () => {
  process.env.FLASHVL_ORT_LIBRARY = "/nowhere/libonnxruntime.so";
  expect(() => ortLibraryPath()).toThrow(
    /FLASHVL_ORT_LIBRARY names "\/nowhere\/libonnxruntime.so", which does not exist/,
  );
  process.env.FLASHVL_ORT_LIBRARY = import.meta.filename;
  expect(ortLibraryPath()).toBe(import.meta.filename);
});

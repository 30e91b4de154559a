import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError, openSafetensors } from "../../src/hub/index.ts";
import { entry, rawSafetensors } from "./safetensors-bytes.ts";

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-header-"));
  file = join(folder, "hostile.safetensors");
});
afterAll(() => rm(folder, { recursive: true }));

async function openBytes(bytes: Uint8Array) {
  await writeFile(file, bytes);
  const opened = await openSafetensors(file);
  await opened.close();
  return opened;
}

const data = new Uint8Array(16);
const good = (name: string, from: number, to: number) => entry(name, "U8", [to - from], [from, to]);

describe("a file is refused with its name and the reason when", () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ["it is empty", new Uint8Array(0), /0 bytes, shorter than/],
    [
      "it has no room for a header",
      new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0]),
      /announces a header of 9 bytes, but only 0/,
    ],
    [
      "its header length is absurd",
      rawSafetensors("{}", data, 2n ** 63n),
      /header of 922337203685477\d+ bytes, the limit is 100000000/,
    ],
    ["its header is longer than the limit", rawSafetensors("{}", data, 100_000_001n), /the limit is 100000000/],
    ["its header is no UTF-8", rawSafetensors(new Uint8Array([0x7b, 0xff, 0x7d])), /not valid UTF-8/],
    ["its header begins with a byte order mark", rawSafetensors("\ufeff{}"), /not usable JSON/],
    ["its header is no JSON", rawSafetensors("{nope}"), /not usable JSON/],
    ["its header is no object", rawSafetensors("[1,2]"), /the header is \[1,2\], expected a JSON object/],
    ["its header is null", rawSafetensors("null"), /the header is null/],
    [
      "a tensor is named twice",
      rawSafetensors(`{${good("a", 0, 8)},${good("a", 8, 16)}}`, data),
      /key "a" appears twice/,
    ],
    [
      "a tensor is named twice in other spellings",
      rawSafetensors(`{${good("a", 0, 8)},"\\u0061":{}}`, data),
      /key "a" appears twice/,
    ],
    [
      "an entry names a key twice",
      rawSafetensors('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      /key "dtype" appears twice/,
    ],
    [
      "two tensors overlap",
      rawSafetensors(`{${good("a", 0, 9)},${good("b", 8, 16)}}`, data),
      /"b" overlaps tensor "a"/,
    ],
    [
      "there is a hole between tensors",
      rawSafetensors(`{${good("a", 0, 7)},${good("b", 8, 16)}}`, data),
      /hole of 1 bytes between tensor "a" and tensor "b"/,
    ],
    [
      "there is a hole at the start",
      rawSafetensors(`{${good("a", 1, 16)}}`, data),
      /hole of 1 bytes between the header and/,
    ],
    [
      "bytes follow that belong to no tensor",
      rawSafetensors(`{${good("a", 0, 15)}}`, data),
      /1 bytes after tensor "a" belong to no tensor/,
    ],
    [
      "a tensor ends behind the file",
      rawSafetensors(`{${good("a", 0, 17)}}`, data),
      /ends at byte \d+, but the file has only/,
    ],
    [
      "offsets run backwards",
      rawSafetensors(`{${entry("a", "U8", [0], [8, 0])}}`, data),
      /\[8, 0\] end before they begin/,
    ],
    ["offsets are negative", rawSafetensors(`{${entry("a", "U8", [0], [-1, 0])}}`, data), /not a pair/],
    ["offsets are no integers", rawSafetensors(`{${entry("a", "U8", [1], [0, 1.5])}}`, data), /not a pair/],
    [
      "offsets are not exact",
      rawSafetensors('{"a":{"dtype":"U8","shape":[1],"data_offsets":[9007199254740993,9007199254740994]}}', data),
      /not a pair/,
    ],
    ["offsets are three", rawSafetensors(`{${entry("a", "U8", [1], [0, 1, 2])}}`, data), /not a pair/],
    [
      "the shape does not fit the offsets",
      rawSafetensors(`{${entry("a", "F32", [2, 3], [0, 16])}}`, data),
      /shape \[2, 3\] of F32 needs 24 bytes, data_offsets hold 16/,
    ],
    [
      "the element count overflows",
      rawSafetensors(`{${entry("a", "F32", [2 ** 30, 2 ** 30], [0, 16])}}`, data),
      /needs more than 2\^53 bytes/,
    ],
    ["the shape is no list", rawSafetensors(`{${entry("a", "U8", "16", [0, 16])}}`, data), /shape "16" is not a list/],
    ["a size is negative", rawSafetensors(`{${entry("a", "U8", [-4, -4], [0, 16])}}`, data), /is not a list/],
    [
      "a shape has thousands of axes",
      rawSafetensors(`{${entry("a", "U8", Array(1000).fill(1), [0, 1])}}`, data),
      /at most 64 sizes/,
    ],
    [
      "the type is unknown",
      rawSafetensors(`{${entry("a", "Q4", [16], [0, 16])}}`, data),
      /dtype "Q4" is not supported, expected one of BOOL/,
    ],
    [
      "the type is a name that every object has",
      rawSafetensors(`{${entry("a", "constructor", [16], [0, 16])}}`, data),
      /dtype "constructor" is not supported/,
    ],
    ["an entry lacks a key", rawSafetensors('{"a":{"dtype":"U8","shape":[1]}}', data), /no data_offsets/],
    [
      "an entry inherits its keys",
      rawSafetensors('{"a":{"__proto__":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}}', data),
      /no dtype/,
    ],
    ["an entry is a list", rawSafetensors('{"a":[]}', data), /its entry is \[\]/],
    ["metadata is no object", rawSafetensors('{"__metadata__":["pt"]}'), /__metadata__ is \["pt"\]/],
    [
      "metadata holds a number",
      rawSafetensors('{"__metadata__":{"step":1}}'),
      /__metadata__ "step" is 1, expected a string/,
    ],
  ];
  it.each(cases)("%s", async (_, bytes, reason) => {
    const error = await openBytes(bytes).then(
      () => undefined,
      (refusal: unknown) => refusal,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ file });
    expect((error as Error).message.startsWith(file)).toBe(true);
    expect((error as Error).message).toMatch(reason);
  });
});

it("names that every object has are ordinary tensor names", async () => {
  const names = ["__proto__", "constructor", "toString", "0"];
  const header = names.map((name, i) => good(name, i * 4, i * 4 + 4)).join(",");
  const { tensors } = await openBytes(rawSafetensors(`{${header}}`, data));
  expect([...tensors.keys()]).toEqual(names);
});

it("empty tensors, scalars and spaces after the header are allowed", async () => {
  const header = `{${entry("empty", "F32", [0, 3], [0, 0])},${entry("scalar", "I64", [], [0, 8])},${good("rest", 8, 16)}}    `;
  const { tensors } = await openBytes(rawSafetensors(header, data));
  expect(tensors.get("scalar")).toMatchObject({ shape: [], bytes: 8 });
  expect(tensors.get("empty")).toMatchObject({ bytes: 0 });
});

it("a header nested a hundred thousand deep does not exhaust the stack", async () => {
  const deep = 100_000;
  await expect(openBytes(rawSafetensors(`{"a":${"[".repeat(deep)}${"]".repeat(deep)}}`))).rejects.toThrow(
    CheckpointError,
  );
});

describe("whatever bytes a file holds, it opens consistently or is refused with a CheckpointError:", () => {
  const numRuns = process.env.FLASHVL_FUZZ ? Number(process.env.FLASHVL_FUZZ) || 20_000 : 150;
  const opensOrIsRefused = async (bytes: Uint8Array) => {
    try {
      const { tensors } = await openBytes(bytes);
      const total = [...tensors.values()].reduce((sum, info) => sum + info.bytes, 0);
      const headerBytes = Number(Buffer.from(bytes).readBigUInt64LE());
      expect(8 + headerBytes + total).toBe(bytes.length);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
    }
  };

  it("random bytes", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), opensOrIsRefused), { numRuns });
  });

  it("random JSON", async () => {
    const header = fc.json({ maxDepth: 4 });
    await fc.assert(
      fc.asyncProperty(header, fc.uint8Array({ maxLength: 40 }), (text, tail) =>
        opensOrIsRefused(rawSafetensors(text, tail)),
      ),
      { numRuns },
    );
  });

  it("entries that look right, with sizes that may not be", async () => {
    const size = fc.oneof(fc.nat(20), fc.integer(), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64, -0, 1e308));
    const info = fc.record({
      dtype: fc.constantFrom("U8", "F32", "BF16", "I64", "F4", "__proto__"),
      shape: fc.array(size, { maxLength: 3 }),
      data_offsets: fc.array(size, { minLength: 1, maxLength: 3 }),
    });
    const header = fc.dictionary(
      fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom("__metadata__", "__proto__")),
      info,
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(header, fc.uint8Array({ maxLength: 64 }), (entries, tail) =>
        opensOrIsRefused(rawSafetensors(JSON.stringify(entries), tail)),
      ),
      { numRuns },
    );
  });

  it("a good file with one byte changed or its end cut off", async () => {
    const whole = rawSafetensors(
      `{"__metadata__":{"format":"pt"},${good("a", 0, 8)},${entry("b", "BF16", [2, 2], [8, 16])}}`,
      data,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        return opensOrIsRefused(changed.subarray(0, length % 3 === 0 ? length : undefined));
      }),
      { numRuns },
    );
  });
});

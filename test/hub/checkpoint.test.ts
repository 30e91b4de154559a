import { cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  CheckpointError,
  checkTensors,
  openCheckpoint,
  type TensorToWrite,
  toF32,
  writeSafetensors,
  writeShardedSafetensors,
} from "../../src/hub/index.ts";

const GOLDEN = join(import.meta.dirname, "../golden/static-tiny");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-checkpoint-"));
});
afterEach(() => rm(folder, { recursive: true }));

const ones = (name: string, count = 2): TensorToWrite => ({
  name,
  dtype: "F32",
  shape: [count],
  bytes: () => new Uint8Array(new Float32Array(count).fill(1).buffer),
});

async function copyOf(checkpoint: Awaited<ReturnType<typeof openCheckpoint>>): Promise<TensorToWrite[]> {
  return [...checkpoint.tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    bytes: () => checkpoint.readTensor(name),
  }));
}

describe("an opened checkpoint", () => {
  it("gives the numbers that PyTorch has saved", async () => {
    const checkpoint = await openCheckpoint(GOLDEN);
    expect(checkpoint.tensors.size).toBe(111);
    expect(checkpoint.metadata.get("format")).toBe("pt");
    const info = checkpoint.tensors.get("adp.p0.0.weight")!;
    expect(info).toMatchObject({ dtype: "BF16", shape: [256], bytes: 512 });
    expect([...toF32(await checkpoint.readTensor("adp.p0.0.weight"), info.dtype).slice(0, 3)]).toEqual([
      0.8671875, 0.83203125, 0.84375,
    ]);
    expect((checkpoint.config as { image_token_num: number }).image_token_num).toBe(16);
    expect(await checkpoint.readJson("generation_config.json")).toMatchObject({ eos_token_id: 482 });
    expect(await checkpoint.readJson("nothing.json")).toBeUndefined();
    await checkpoint.close();
  });

  it("reads parts of a tensor, also into a given buffer", async () => {
    const checkpoint = await openCheckpoint(GOLDEN);
    const name = "adp.p0.1.weight";
    const whole = await checkpoint.readTensor(name);
    expect(await checkpoint.readRange(name, 100, 200)).toEqual(whole.slice(100, 200));
    const target = new Uint8Array(10);
    expect(await checkpoint.readRange(name, whole.length - 10, whole.length, target)).toBe(target);
    expect(target).toEqual(whole.slice(-10));
    await expect(checkpoint.readRange(name, 0, whole.length + 1)).rejects.toThrow(RangeError);
    await expect(checkpoint.readRange(name, 0, 5, target)).rejects.toThrow("the target has 10 bytes, expected 5");
    await expect(checkpoint.readTensor("nope")).rejects.toThrow('there is no tensor "nope"');
    await expect(checkpoint.readJson("../config.json")).rejects.toThrow(RangeError);
    await checkpoint.close();
    await expect(checkpoint.readTensor(name)).rejects.toThrow("is closed");
  });

  it("notices that its file was cut short while it was open", async () => {
    await cp(GOLDEN, folder, { recursive: true });
    const checkpoint = await openCheckpoint(folder);
    await truncate(join(folder, "model.safetensors"), 20_000);
    await expect(checkpoint.readTensor("adp.p0.1.weight")).rejects.toThrow(/ended at byte 20000/);
    await checkpoint.close();
  });

  it("says what a folder lacks", async () => {
    await expect(openCheckpoint(join(folder, "none"))).rejects.toMatchObject({ code: "not-found" });
    await expect(openCheckpoint(folder)).rejects.toThrow("no config.json");
    await writeFile(join(folder, "config.json"), "{}");
    await expect(openCheckpoint(folder)).rejects.toThrow("neither model.safetensors nor");
    await writeFile(join(folder, "config.json"), '{"a":1,"a":2}');
    await expect(openCheckpoint(folder)).rejects.toThrow(/config.json: is not usable JSON: key "a" appears twice/);
  });
});

describe("a sharded checkpoint", () => {
  const write = (index: unknown) => writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
  beforeEach(() => writeFile(join(folder, "config.json"), "{}"));

  it("written in shards holds the same bytes as the single file", async () => {
    const original = await openCheckpoint(GOLDEN);
    const shards = await writeShardedSafetensors(folder, await copyOf(original), { format: "pt" }, 400_000);
    expect(shards).toEqual([
      "model-00001-of-00003.safetensors",
      "model-00002-of-00003.safetensors",
      "model-00003-of-00003.safetensors",
    ]);
    const sharded = await openCheckpoint(folder);
    expect(sharded.files.length).toBe(3);
    expect([...sharded.tensors.keys()].sort()).toEqual([...original.tensors.keys()].sort());
    for (const name of original.tensors.keys())
      expect(Buffer.compare(await sharded.readTensor(name), await original.readTensor(name)), name).toBe(0);
    const index = JSON.parse(await readFile(join(folder, "model.safetensors.index.json"), "utf8"));
    expect(index.metadata.total_size).toBe([...original.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0));
    await original.close();
    await sharded.close();
  });

  it("leaves no shard behind when one of its tensors cannot be had", async () => {
    const broken = { ...ones("b"), bytes: () => Promise.reject(new Error("lost")) };
    await expect(writeShardedSafetensors(folder, [ones("a"), broken], undefined, 8)).rejects.toThrow("lost");
    expect(await readdir(folder)).toEqual(["config.json"]);
    await expect(writeShardedSafetensors(folder, [ones("a"), ones("a")], undefined, 8)).rejects.toThrow("given twice");
  });

  it("is refused when the index leaves the folder", async () => {
    for (const shard of ["../model.safetensors", "/etc/passwd", "a\\b.safetensors", "notes.txt", 3]) {
      await write({ weight_map: { w: shard } });
      await expect(openCheckpoint(folder), String(shard)).rejects.toThrow("expected a *.safetensors file name");
    }
    await write({});
    await expect(openCheckpoint(folder)).rejects.toThrow("weight_map is missing");
  });

  it("is refused when a shard or one of its tensors is missing", async () => {
    await write({ weight_map: { w: "one.safetensors" } });
    await expect(openCheckpoint(folder)).rejects.toThrow("the shard one.safetensors that it names is missing");
    await writeSafetensors(join(folder, "one.safetensors"), [ones("v")]);
    await expect(openCheckpoint(folder)).rejects.toThrow('tensor "w" is not in one.safetensors as the index says');
  });
});

describe("checkTensors", () => {
  it("is silent when everything fits, extra tensors included", async () => {
    const checkpoint = await openCheckpoint(GOLDEN);
    checkTensors(checkpoint, [{ name: "adp.p0.0.bias", shape: [256] }]);
    await checkpoint.close();
  });

  it("reports every mismatch at once with file, tensor, found and expected", async () => {
    const checkpoint = await openCheckpoint(GOLDEN);
    const check = () =>
      checkTensors(checkpoint, [
        { name: "adp.p0.0.bias", shape: [257] },
        { name: "adp.p0.0.weight", shape: [256], dtypes: ["F32"] },
        { name: "adp.p0.1.bias", shape: [96] },
        { name: "adp.missing", shape: [1, 2] },
      ]);
    expect(check).toThrow(CheckpointError);
    expect(check).toThrow(/3 of 4 tensors/);
    expect(check).toThrow("adp.p0.0.bias in model.safetensors: found BF16 [256], expected BF16 or F16 or F32 [257]");
    expect(check).toThrow("adp.p0.0.weight in model.safetensors: found BF16 [256], expected F32 [256]");
    expect(check).toThrow("adp.missing: not in the checkpoint, expected BF16 or F16 or F32 [1, 2]");
    await checkpoint.close();
  });
});

describe("writeSafetensors", () => {
  it("writes the same bytes as the original library, in whatever order the tensors come", async () => {
    const original = await openCheckpoint(GOLDEN);
    const file = join(folder, "copy.safetensors");
    await writeSafetensors(file, (await copyOf(original)).reverse(), { format: "pt" });
    expect(Buffer.compare(await readFile(file), await readFile(join(GOLDEN, "model.safetensors")))).toBe(0);
    await original.close();
  });

  it("puts types of greater alignment first, sorts names by bytes, and starts the data at a multiple of eight", async () => {
    const file = join(folder, "sorted.safetensors");
    const of = (name: string, dtype: "U8" | "F32" | "I64"): TensorToWrite => ({
      name,
      dtype,
      shape: [1],
      bytes: () => new Uint8Array({ U8: 1, F32: 4, I64: 8 }[dtype]),
    });
    await writeSafetensors(file, [
      of("10", "U8"),
      of("9", "F32"),
      of("z", "I64"),
      of("\u{1f600}", "F32"),
      of("\uffee", "F32"),
      of("__proto__", "F32"),
    ]);
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const names = [...bytes.toString("utf8", 8, 8 + length).matchAll(/"([^"]+)":\{/g)].map(([, name]) => name);
    expect(names).toEqual(["z", "9", "__proto__", "\uffee", "\u{1f600}", "10"]);
  });

  it("streams tensors in chunks", async () => {
    const file = join(folder, "chunks.safetensors");
    async function* chunks() {
      yield new Uint8Array([1, 2]);
      yield new Uint8Array([3]);
    }
    await writeSafetensors(file, [{ name: "w", dtype: "U8", shape: [3], chunks }]);
    expect([...(await readFile(file)).subarray(-3)]).toEqual([1, 2, 3]);
  });

  it("leaves nothing behind on an error, and an older file as it was", async () => {
    const file = join(folder, "model.safetensors");
    await writeSafetensors(file, [ones("old")]);
    const before = await readFile(file);
    const failing: [TensorToWrite[], RegExp][] = [
      [[{ ...ones("w"), bytes: () => new Uint8Array(7) }], /"w": delivered 7 bytes, its shape needs 8/],
      [[{ ...ones("w"), bytes: () => new Uint8Array(9) }], /more than the 8 bytes/],
      [[ones("w"), ones("w")], /"w" is given twice/],
      [[{ ...ones("w"), bytes: () => Promise.reject(new Error("out of paper")) }], /out of paper/],
      [[ones("__metadata__")], /keeps this name/],
      [[{ ...ones("w"), shape: [-1] }], /not a list of sizes/],
    ];
    for (const [tensors, reason] of failing) {
      await expect(writeSafetensors(file, tensors)).rejects.toThrow(reason);
      expect(await readdir(folder)).toEqual(["model.safetensors"]);
      expect((await readFile(file)).equals(before)).toBe(true);
    }
  });

  it("leaves nothing behind when the disk is full", async () => {
    const probe = await open(join(GOLDEN, "config.json"));
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const write = vi.spyOn(Object.getPrototypeOf(probe), "write").mockRejectedValue(full);
    await expect(writeSafetensors(join(folder, "new.safetensors"), [ones("w")])).rejects.toBe(full);
    expect(write).toHaveBeenCalled();
    write.mockRestore();
    await probe.close();
    expect(await readdir(folder)).toEqual([]);
  });
});

/** @file TensorBoard's event files are what TensorFlow's readers take: checked by a reader written from the format's description. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { crc32c, openTensorBoard } from "../../src/train/run/tensorboard.ts";

it("checksums are CRC-32C: the check value of its catalogue and RFC 3720's vectors", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});

/** Fields of a message of protocol buffers by number. */
function fieldsOf(bytes: Uint8Array): [number, number | Uint8Array][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: [number, number | Uint8Array][] = [];
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
      shift *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [tag >> 3, tag & 7];
    if (wire === 0) {
      fields.push([number, varint()]);
      continue;
    }
    const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
    if (wire === 1) fields.push([number, view.getFloat64(at, true)]);
    else if (wire === 5) fields.push([number, view.getFloat32(at, true)]);
    else fields.push([number, bytes.subarray(at, at + length)]);
    at += length;
  }
  return fields;
}

/** Undoes the masking as TensorFlow's reader does. */
const unmasked = (crc: number): number => {
  const rotated = (crc - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

it("events hold time, step and scalars by tag, in records with both checksums", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-tensorboard-"));
  const board = await openTensorBoard(folder, () => 1_700_000_000.5);
  board.log(1, { loss: 2.5, eval_exact: 0.25, "rewards/accuracy/mean": 1 });
  board.log(300, { loss: 1e-20 });
  await board.close();
  const [name] = await readdir(folder);
  expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
  const bytes = new Uint8Array(await readFile(join(folder, name!)));
  await rm(folder, { recursive: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const events: [number, number | Uint8Array][][] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(unmasked(view.getUint32(at + 8, true))).toBe(crc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmasked(view.getUint32(at + 12 + length, true))).toBe(crc32c(data));
    events.push(fieldsOf(data));
    at += 16 + length;
  }
  const text = (value: number | Uint8Array) => new TextDecoder().decode(value as Uint8Array);
  expect(events[0]!.map(([number, value]) => [number, number === 3 ? text(value) : value])).toEqual([
    [1, 1_700_000_000.5],
    [3, "brain.Event:2"],
  ]);
  const scalarsOf = (event: (typeof events)[number]) =>
    fieldsOf(event.find(([number]) => number === 5)![1] as Uint8Array).map(([number, value]) => {
      expect(number).toBe(1);
      const [[, tag], [, scalar]] = fieldsOf(value as Uint8Array) as [[number, Uint8Array], [number, number]];
      return [text(tag), scalar];
    });
  expect(events[1]!.slice(0, 2)).toEqual([
    [1, 1_700_000_000.5],
    [2, 1],
  ]);
  expect(scalarsOf(events[1]!)).toEqual([
    ["train/loss", 2.5],
    ["eval/exact", 0.25],
    ["rewards/accuracy/mean", 1],
  ]);
  expect(events[2]![1]).toEqual([2, 300]);
  expect(scalarsOf(events[2]!)).toEqual([["train/loss", Math.fround(1e-20)]]);
});

/** @file TensorBoard's event files: TFRecords (tensorflow/core/lib/io/record_writer.h) of Event messages (tensorflow/core/util/event.proto). */

import { mkdir, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** CRC-32C (Castagnoli), byte by byte from a table. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** @example crc32c(new TextEncoder().encode("123456789")) // 0xe3069283 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum as records hold it: rotated and offset, so that a checksum over checksums is none of zeros. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

/** A record: length, its checksum, the data, its checksum; all little-endian. */
function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return out;
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** A number in groups of seven bits, as protocol buffers write them. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; ) {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left > 0n ? low | 0x80 : low);
    if (left === 0n) return Uint8Array.from(bytes);
  }
}

/** Fields of protocol buffers: tag of number and wire type, then the value. */
const field = (number: number, wire: number, value: Uint8Array): Uint8Array =>
  concat([varint((number << 3) | wire), value]);
const message = (number: number, bytes: Uint8Array): Uint8Array =>
  field(number, 2, concat([varint(bytes.length), bytes]));
const text = (number: number, value: string): Uint8Array => message(number, new TextEncoder().encode(value));
function float(number: number, value: number, bytes: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 8) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  return field(number, bytes === 8 ? 1 : 5, new Uint8Array(view.buffer));
}

/** Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } } */
const scalars = (step: number, metrics: Readonly<Record<string, number>>, seconds: number): Uint8Array =>
  concat([
    float(1, seconds, 8),
    field(2, 0, varint(step)),
    message(
      5,
      concat(Object.entries(metrics).map(([tag, value]) => message(1, concat([text(1, tag), float(2, value, 4)])))),
    ),
  ]);

/** Training's metrics under "train", those of validation under "eval", so that TensorBoard groups them. */
const tagOf = (name: string): string =>
  name.startsWith("eval_") ? `eval/${name.slice(5)}` : name.includes("/") ? name : `train/${name}`;

/**
 * Writes a new event file into `folder`; a run that goes on writes another one, which TensorBoard shows as one run.
 * @param now seconds since 1970
 */
export async function openTensorBoard(folder: string, now = () => Date.now() / 1000) {
  await mkdir(folder, { recursive: true });
  const started = now();
  const file = await open(join(folder, `events.out.tfevents.${Math.floor(started)}.${hostname()}.${process.pid}`), "a");
  let written = file.appendFile(record(concat([float(1, started, 8), text(3, "brain.Event:2")])));
  return {
    log(step: number, metrics: Readonly<Record<string, number>>): Promise<void> {
      const tagged = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [tagOf(name), value]));
      const event = record(scalars(step, tagged, now()));
      written = written.then(() => file.appendFile(event));
      return written;
    },
    async close(): Promise<void> {
      await written;
      await file.close();
    },
  };
}

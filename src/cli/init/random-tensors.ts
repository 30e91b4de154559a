/** @file Random weights as a stream of bfloat16 chunks: the same for the same seed, whatever the order of the tensors. */
import { createHash } from "node:crypto";
import { Random } from "../../common/index.ts";
import { f32ToBf16, type TensorToWrite } from "../../hub/index.ts";
import { initialValue, type Parameter, type StoredTensor } from "../../model/index.ts";

/** Elements per chunk: 2 MiB of bfloat16, so memory stays flat whatever the size of the model. */
const CHUNK = 2 ** 20;
const QUANTILES = 2 ** 16;

/**
 * The quantiles (i + 0.5) / 65536 of the standard normal distribution. Drawing one of them with 16 random bits is an order
 * of magnitude faster than a normal draw per weight, and bfloat16 keeps only 8 bits of it anyway.
 * They solve dx/dp = 1 / density(x), integrated by Runge-Kutta from the median, where x = 0.
 */
export function normalQuantiles(): Float32Array {
  const half = QUANTILES / 2;
  const slope = (x: number) => Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2);
  const upper = new Float64Array(half);
  let x = 0;
  for (let i = 0; i < half; i++) {
    // The first step is half as long; near the end of the table the slope is steep, so all steps are cut into eight.
    const step = (i === 0 ? 0.5 : 1) / QUANTILES / 8;
    for (let part = 0; part < 8; part++) {
      const a = slope(x);
      const b = slope(x + (step * a) / 2);
      const c = slope(x + (step * b) / 2);
      const d = slope(x + step * c);
      x += (step * (a + 2 * b + 2 * c + d)) / 6;
    }
    upper[i] = x;
  }
  return Float32Array.from({ length: QUANTILES }, (_, i) => (i < half ? -upper[half - 1 - i]! : upper[i - half]!));
}

/**
 * A parameter with its initial value (`initialValue` of the model room), drawn for this seed.
 *
 * @param onBytes told of every chunk that has been made
 * @example await writeSafetensors(path, listParameters(config).map((p) => randomTensor(p, 0, quantiles)));
 */
export function randomTensor(
  parameter: Parameter,
  seed: number,
  quantiles: Float32Array,
  onBytes: (bytes: number) => void = () => {},
): TensorToWrite {
  const { name, shape } = parameter;
  return { name, dtype: "BF16", shape, chunks: () => chunks(parameter, seed, quantiles, onBytes) };
}

/** A tensor of a file, of which each parameter in it is drawn as it would be alone. */
export function randomStored(
  { name, shape, holds }: StoredTensor,
  parameters: ReadonlyMap<string, Parameter>,
  seed: number,
  quantiles: Float32Array,
  onBytes: (bytes: number) => void,
): TensorToWrite {
  function* all() {
    for (const part of holds) yield* chunks(parameters.get(part)!, seed, quantiles, onBytes);
  }
  return { name, dtype: "BF16", shape: [...shape], chunks: all };
}

function* chunks(parameter: Parameter, seed: number, quantiles: Float32Array, onBytes: (bytes: number) => void) {
  const count = parameter.shape.reduce((product, size) => product * size, 1);
  const initial = initialValue(parameter);
  const constant = "constant" in initial;
  const values = constant ? Float32Array.of(initial.constant) : quantiles.map((quantile) => quantile * initial.std);
  const table = f32ToBf16(values);
  const random = new Random(seedFor(parameter.name, seed));
  const out = new Uint16Array(Math.min(CHUNK, count));
  if (constant) out.fill(table[0]!);
  for (let at = 0; at < count; at += CHUNK) {
    const length = Math.min(CHUNK, count - at);
    // One draw of 32 bits serves two weights; an odd count wastes half of the last one.
    if (!constant)
      for (let i = 0; i < length; i += 2) {
        const bits = random.bits();
        out[i] = table[bits & 0xffff]!;
        out[i + 1] = table[bits >>> 16]!;
      }
    const bytes = new Uint8Array(out.buffer, 0, length * 2);
    yield bytes;
    onBytes(bytes.length);
  }
}

/** Each tensor has its own sequence, so that adding a layer does not change the others. */
function seedFor(name: string, seed: number): number {
  return createHash("sha256").update(`${seed} ${name}`).digest().readUInt32LE();
}

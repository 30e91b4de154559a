/** @file Runs a small graph once on given inputs: what the numeric tests of training share. */

import { serialize, sourceName, type Value } from "../../src/graph/index.ts";
import { createTensor, type SessionOptions } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

type Numbers = ArrayLike<number>;

/** Values of the named outputs; `given` has the numbers of every input and weight by name. @param options of the session */
export async function evaluate(
  outputs: Record<string, Value>,
  given: Readonly<Record<string, Numbers>>,
  options: SessionOptions = { threads: 1 },
): Promise<Record<string, number[]>> {
  const { bytes, inputs, weights } = serialize(outputs, "inputs");
  await using session = await nativeRuntime().createSession(bytes, options);
  for (const v of [...inputs, ...weights]) {
    const tensor = createTensor(v.dtype, v.shape as number[]);
    const numbers = given[sourceName(v)];
    if (!numbers) throw new Error(`the test gives no numbers for ${sourceName(v)}`);
    for (let i = 0; i < tensor.data.length; i++)
      (tensor.data as { [i: number]: number | bigint })[i] =
        tensor.dtype === "int64" ? BigInt(numbers[i]!) : numbers[i]!;
    session.bindInput(sourceName(v), tensor);
  }
  const results = Object.entries(outputs).map(([name, v]) => {
    const tensor = createTensor(v.dtype, v.shape as number[]);
    session.bindOutput(name, tensor);
    return [name, tensor] as const;
  });
  await session.run();
  return Object.fromEntries(results.map(([name, t]) => [name, Array.from(t.data as Float32Array, Number)]));
}

/** Largest |a - b| divided by the largest |b|, or by `floor` where b is smaller. */
export function relativeError(a: Numbers, b: Numbers, floor = 1e-12): number {
  let [difference, scale] = [0, floor];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return difference / scale;
}

/** @file Orthogonalises many matrices at once by Newton-Schulz iterations, as one graph. */

import { add, input, matmul, mul, scalar, serialize, sourceName, type Value } from "../../graph/index.ts";
import { createTensor, type Runtime, type Session, type Tensor } from "../../runtime/index.ts";

/** Coefficients of the odd quintic aX + b(XXᵀ)X + c(XXᵀ)²X: they bring singular values to about 1 in five rounds (Jordan et al. 2024, Muon). */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ROUNDS = 5;

/** Matrices of one shape, one after the other in shared memory. */
interface Group {
  readonly input: Tensor<Float32Array>;
  readonly output: Tensor<Float32Array>;
}

function iterations(x: Value): Value {
  const [, rows, columns] = x.shape as number[];
  const tall = rows! > columns!;
  let y = x;
  for (let i = 0; i < ROUNDS; i++) {
    // The smaller Gram matrix: XXᵀ acts from the left, XᵀX from the right.
    const gram = tall ? matmul(y, y, true, false) : matmul(y, y, false, true);
    const factor = add(mul(gram, scalar(B)), mul(matmul(gram, gram), scalar(C)));
    y = add(mul(y, scalar(A)), tall ? matmul(y, factor) : matmul(factor, y));
  }
  return y;
}

/**
 * A session that turns each matrix [rows, columns] into the nearest one whose singular values are all about 1 (0.7 to 1.2).
 * @example
 * const session = await createNewtonSchulz(runtime, [{ name: "w", shape: [64, 32] }]);
 * session.input("w").set(gradient); await session.run(); use(session.output("w"));
 */
export async function createNewtonSchulz(
  runtime: Runtime,
  matrices: readonly { readonly name: string; readonly shape: readonly number[] }[],
  threads?: number,
): Promise<NewtonSchulz> {
  const byShape = new Map<string, (typeof matrices)[number][]>();
  for (const m of matrices) {
    const key = m.shape.join("x");
    byShape.set(key, [...(byShape.get(key) ?? []), m]);
  }
  const outputs: Record<string, Value> = {};
  for (const [key, members] of byShape) {
    const [rows, columns] = members[0]!.shape as [number, number];
    outputs[`orthogonal ${key}`] = iterations(input(key, "float32", [members.length, rows, columns]));
  }
  const { bytes, inputs } = serialize(outputs, "inputs");
  const session = await runtime.createSession(bytes, { threads, memoryPattern: true });
  const groups = new Map<string, Group>();
  for (const v of inputs) {
    const tensor = () => createTensor("float32", v.shape as number[]) as Tensor<Float32Array>;
    const group = { input: tensor(), output: tensor() };
    const key = sourceName(v);
    session.bindInput(key, group.input);
    session.bindOutput(`orthogonal ${key}`, group.output);
    groups.set(key, group);
  }
  const places = new Map<string, { input: Float32Array; output: Float32Array }>();
  for (const [key, members] of byShape)
    members.forEach(({ name, shape }, i) => {
      const size = shape[0]! * shape[1]!;
      const of = (t: Tensor<Float32Array>) => t.data.subarray(i * size, (i + 1) * size);
      places.set(name, { input: of(groups.get(key)!.input), output: of(groups.get(key)!.output) });
    });
  return new NewtonSchulz(session, places);
}

export class NewtonSchulz {
  readonly #session: Session;
  readonly #places: ReadonlyMap<string, { input: Float32Array; output: Float32Array }>;

  constructor(session: Session, places: ReadonlyMap<string, { input: Float32Array; output: Float32Array }>) {
    this.#session = session;
    this.#places = places;
  }

  /** Memory to write the matrix into; its Frobenius norm must be at most 1 for the iterations to converge. */
  input(name: string): Float32Array {
    return this.#places.get(name)!.input;
  }

  output(name: string): Float32Array {
    return this.#places.get(name)!.output;
  }

  run(): Promise<void> {
    return this.#session.run();
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

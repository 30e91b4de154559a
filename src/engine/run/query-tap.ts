/** @file The queries of the decode graph: which tokens' are wanted is said before a run, and they are read after it. */
import { queryName } from "../../passes/index.ts";
import { createTensor, type Session, type Tensor } from "../../runtime/index.ts";

/** Binds the decode graph's outputs of queries; of no tokens until they are asked for. */
export class QueryTap {
  readonly #session: Session;
  readonly #layers: number;
  #values: Float32Array[] = [];

  constructor(session: Session, layers: number) {
    this.#session = session;
    this.#layers = layers;
    this.want([]);
  }

  /** Says of which rows of the following runs queries are wanted. */
  want(rows: readonly number[]): void {
    this.#values = Array.from({ length: this.#layers }, (_, layer) => {
      const name = queryName(layer);
      const width = this.#session.outputs.find((output) => output.name === name)!.dims[1] as number;
      const tensor = createTensor("float32", [rows.length, width]);
      this.#session.bindOutput(name, tensor);
      return tensor.data as Float32Array;
    });
    this.#session.bindInput("query_rows", rowTensor(rows));
  }

  /** Those of the last run, one [wanted rows, width] per layer; a row begins with heads·headDim numbers. */
  get values(): readonly Float32Array[] {
    return this.#values;
  }
}

/** Numbers of rows, as graphs take them. */
export function rowTensor(rows: readonly number[]): Tensor {
  const tensor = createTensor("int64", [rows.length]);
  (tensor.data as BigInt64Array).set(rows.map(BigInt));
  return tensor;
}

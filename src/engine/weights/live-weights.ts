/** @file Weights that the caller owns and changes: graph inputs instead of compiled files. */
import { elementCount, type GraphOutputs, serialize, sourceName, type Value } from "../../graph/index.ts";
import type { TensorReader } from "../../passes/index.ts";
import { weightBytes } from "../../passes/index.ts";
import {
  createTensor,
  type Runtime,
  type Session,
  type SessionOptions,
  type Tensor,
  wrapTensor,
} from "../../runtime/index.ts";

/** Memory of a weight: a tensor, or its numbers in the checkpoint's order. */
export type WeightMap = ReadonlyMap<string, Tensor | Float32Array>;

/** Sessions whose weights are bound to memory outside; changing the numbers changes the model at once. */
export class LiveWeights {
  readonly #tensors = new Map<string, Tensor>();
  readonly #users: { session: Session; weights: readonly Value[] }[] = [];

  /** Memory of a weight. @throws Error when nobody gave it */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`No memory was given for the weight "${name}".`);
    return tensor;
  }

  /**
   * Takes memory for weights, all of it or nothing.
   * @throws RangeError when an array has another size than the weight, or a name belongs to no loaded graph.
   */
  set(map: WeightMap): void {
    const shapes = new Map(
      this.#users.flatMap(({ weights }) => weights.map((w) => [sourceName(w), w.shape as number[]])),
    );
    const fresh = new Map<string, Tensor>();
    for (const [name, given] of map) {
      const shape = shapes.get(name);
      const data = given instanceof Float32Array ? given : given.data;
      if (!(data instanceof Float32Array)) throw new TypeError(`The weight "${name}" must be float32.`);
      if (shape && data.length !== elementCount(shape)) {
        throw new RangeError(`The weight "${name}" has ${data.length} numbers; the model needs [${shape.join(", ")}].`);
      }
      // The embedding table may be needed by lookup alone, so an unknown name is the caller's own business.
      fresh.set(name, wrapTensor("float32", shape ?? [data.length], data.buffer, data.byteOffset));
    }
    for (const [name, tensor] of fresh) this.#tensors.set(name, tensor);
    for (const { session, weights } of this.#users) {
      for (const weight of weights) if (fresh.has(sourceName(weight))) this.#bind(session, weight);
    }
  }

  /** Loads a graph whose weights are inputs and binds them. Weights made by a recipe (rotary tables) are made here, once. */
  async load(runtime: Runtime, graph: GraphOutputs, options: SessionOptions): Promise<Session> {
    const { bytes, weights } = serialize(graph, "inputs");
    for (const weight of weights) {
      if (weight.node.attrs.recipe && !this.#tensors.has(sourceName(weight))) await this.#make(weight);
      // Every name is known before memory is spent on a session.
      this.get(sourceName(weight));
    }
    const session = await runtime.createSession(bytes, options);
    try {
      for (const weight of weights) this.#bind(session, weight);
    } catch (error) {
      await session.dispose();
      throw error;
    }
    this.#users.push({ session, weights });
    return session;
  }

  #bind(session: Session, weight: Value): void {
    const name = sourceName(weight);
    const { data } = this.get(name);
    const shape = weight.shape as number[];
    if (data.length !== elementCount(shape)) {
      throw new RangeError(`The weight "${name}" has ${data.length} numbers; the model needs [${shape.join(", ")}].`);
    }
    session.bindInput(name, wrapTensor("float32", shape, data.buffer, data.byteOffset));
  }

  async #make(weight: Value): Promise<void> {
    const tensor = createTensor("float32", weight.shape as number[]);
    const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    let at = 0;
    for await (const chunk of weightBytes(weight, NO_CHECKPOINT)) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    this.#tensors.set(sourceName(weight), tensor);
  }
}

const NO_CHECKPOINT: TensorReader = {
  info: (name) => {
    throw new Error(`The weight "${name}" is made from a checkpoint, which live weights do not have.`);
  },
  readRange: () => Promise.reject(new Error("Live weights have no checkpoint to read.")),
};

/** @file The tensors bound to a session: every runtime refuses the same ones, in the same words. */
import { RuntimeError } from "./runtime-error.ts";
import { elementCount } from "./tensor.ts";
import type { DeviceTensor, Tensor, ValueInfo } from "./types.ts";

export type Side = "input" | "output";
type Bound = Tensor | DeviceTensor;

/** What is bound to the inputs and outputs of one graph; it keeps that memory alive. */
export class Bindings {
  readonly #infos: Readonly<Record<Side, ReadonlyMap<string, ValueInfo>>>;
  readonly #bound: Readonly<Record<Side, Map<string, Bound>>> = { input: new Map(), output: new Map() };

  constructor(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]) {
    const byName = (infos: readonly ValueInfo[]) => new Map(infos.map((info) => [info.name, info]));
    this.#infos = { input: byName(inputs), output: byName(outputs) };
  }

  get inputs(): ReadonlyMap<string, Bound> {
    return this.#bound.input;
  }

  get outputs(): ReadonlyMap<string, Bound> {
    return this.#bound.output;
  }

  set(side: Side, name: string, tensor: Bound): void {
    this.#bound[side].set(name, tensor);
  }

  clear(): void {
    this.#bound.input.clear();
    this.#bound.output.clear();
  }

  /**
   * Checks name, type and shape before a library does, since its message names neither the tensor nor what would fit.
   * @throws RuntimeError saying what would fit
   */
  assertFits(side: Side, name: string, tensor: Bound): void {
    const info = this.#infos[side].get(name);
    if (!info) {
      const names = [...this.#infos[side].keys()].join(", ");
      throw new RuntimeError(`The graph has no ${side} "${name}"; it has ${names}.`, "INVALID_ARGUMENT");
    }
    const fits =
      tensor.dtype === info.dtype &&
      tensor.dims.length === info.dims.length &&
      tensor.dims.every((dim, axis) => typeof info.dims[axis] === "string" || info.dims[axis] === dim);
    if (!fits) {
      throw new RuntimeError(
        `${side} "${info.name}" is ${info.dtype} ${describe(info.dims)}; found a tensor ${tensor.dtype} ${describe(tensor.dims)}.`,
        "INVALID_ARGUMENT",
      );
    }
  }

  /** @throws RuntimeError when an input or output has no memory, or its memory is gone */
  assertComplete(): void {
    for (const side of ["input", "output"] as const) {
      for (const [name, info] of this.#infos[side]) {
        const tensor = this.#bound[side].get(name);
        if (!tensor) {
          throw new RuntimeError(
            `Nothing is bound to ${side} ${name}; expected ${info.dtype} ${describe(info.dims)}.`,
            "INVALID_ARGUMENT",
          );
        }
        if ("data" in tensor && tensor.data.byteLength === 0 && elementCount(tensor.dims) > 0) {
          throw new RuntimeError(
            `The memory bound to ${side} ${name} was transferred away. Bind a tensor that stays on this thread.`,
            "INVALID_ARGUMENT",
          );
        }
      }
    }
  }
}

const describe = (dims: readonly (number | string)[]): string => `[${dims.join(", ")}]`;

/** @file The optimiser of a run: AdamW, or Muon for hidden matrices, with clipping, a schedule and a rate for each part. */

import type { Part } from "../../model/index.ts";
import type { Parameter, ParameterStore } from "../parameter-store.ts";
import { adamw, type Moments, newMoments } from "./adamw.ts";
import { clipFactor, globalNorm } from "./clip.ts";
import { isHiddenMatrix, muonDirection, muonUpdate } from "./muon.ts";
import { createNewtonSchulz, type NewtonSchulz } from "./newton-schulz.ts";
import { type ScheduleOptions, scheduleFactor } from "./schedule.ts";

export interface OptimizerOptions {
  /** Peak rate, or one for each part. */
  readonly learningRate: number | Partial<Record<Part, number>>;
  readonly schedule: ScheduleOptions;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Limit of the global gradient norm; undefined leaves gradients alone. */
  readonly maxNorm?: number;
  /** Hidden matrices are updated by Muon with this momentum, at `rateFactor` times the rate; everything by AdamW when left out. */
  readonly muon?: { readonly momentum: number; readonly rateFactor: number };
  readonly threads?: number;
}

/** Thrown when a gradient is NaN or infinite; nothing was updated. */
export class NotFiniteError extends Error {
  override readonly name = "NotFiniteError";
}

/** The first tensor of `named` that holds NaN or an infinity. */
export function firstNotFinite(named: Iterable<readonly [string, Float32Array]>): string | undefined {
  for (const [name, data] of named) for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) return name;
  return undefined;
}

export class Optimizer {
  /** Updates done so far. */
  step = 0;
  readonly moments = new Map<string, Moments>();
  readonly #store: ParameterStore;
  readonly #options: OptimizerOptions;
  /** Made at the first update; undefined without Muon. */
  #newtonSchulz?: NewtonSchulz;
  readonly #hidden: readonly Parameter[];

  constructor(store: ParameterStore, trained: Iterable<string>, options: OptimizerOptions) {
    this.#store = store;
    this.#options = options;
    const names = new Set(trained);
    this.#hidden = options.muon ? store.parameters.filter((p) => names.has(p.name) && isHiddenMatrix(p)) : [];
    const hidden = new Set(this.#hidden.map((p) => p.name));
    // Muon has no second moments.
    for (const name of names) {
      const { length } = store.get(name);
      this.moments.set(
        name,
        hidden.has(name) ? { m: new Float32Array(length), v: new Float32Array(0) } : newMoments(length),
      );
    }
  }

  /** Norms, biases and other vectors are not decayed: pulling them to zero only hurts. */
  static decays(name: string, shape: readonly number[]): boolean {
    return shape.length > 1 && !name.endsWith("bias");
  }

  /** @throws NotFiniteError when the loss of the step at hand is NaN or infinite, naming the first tensor that is, too */
  checkLoss(loss: number, gradients: ReadonlyMap<string, Float32Array>): void {
    if (Number.isFinite(loss)) return;
    const weight = this.#firstWeightNotFinite();
    const gradient = firstNotFinite(gradients);
    const tensor = weight ? `the weight ${weight}` : gradient ? `the gradient of ${gradient}` : "no weight or gradient";
    throw new NotFiniteError(
      `step ${this.step + 1}: the loss is ${loss}; the first tensor that is not finite: ${tensor}`,
    );
  }

  #firstWeightNotFinite(): string | undefined {
    return firstNotFinite([...this.moments.keys()].map((name) => [name, this.#store.get(name)] as const));
  }

  /** @throws NotFiniteError naming the first trained weight that the update just done made NaN or infinite */
  checkWeights(): void {
    const weight = this.#firstWeightNotFinite();
    if (weight) throw new NotFiniteError(`step ${this.step}: the weight ${weight} is not finite`);
  }

  /** The error for answers of step `step` that cannot be drawn, since the logits are NaN or infinite. */
  logitsError(step: number, cause: Error): NotFiniteError {
    const weight = this.#firstWeightNotFinite();
    const tensor = weight ? `the weight ${weight}` : "the logits themselves, for every weight is finite";
    return new NotFiniteError(
      `step ${step}: no answer can be drawn from the logits; the first tensor that is not finite: ${tensor}`,
      { cause },
    );
  }

  /**
   * One update with the given gradients, first multiplied by `scale`.
   * @returns norm before clipping, and the learning rate of the step (the largest where parts have their own)
   * @throws NotFiniteError naming the first bad tensor, before anything changed
   */
  async update(
    gradients: ReadonlyMap<string, Float32Array>,
    scale = 1,
  ): Promise<{ norm: number; learningRate: number }> {
    const { learningRate, schedule, weightDecay, maxNorm } = this.#options;
    const norm = globalNorm(gradients.values()) * scale;
    if (!Number.isFinite(norm))
      throw new NotFiniteError(
        `step ${this.step + 1}: the gradient of ${firstNotFinite(gradients) ?? "the model (its norm overflows)"} is not finite`,
      );
    const factor = scale * clipFactor(norm, maxNorm);
    const rateFactor = scheduleFactor(this.step, schedule);
    this.step++;
    const rateOf = ({ part }: Parameter): number =>
      rateFactor * (typeof learningRate === "number" ? learningRate : (learningRate[part] ?? 0));
    const hidden = new Set(this.#hidden);
    for (const parameter of this.#store.parameters) {
      const [gradient, moments] = [gradients.get(parameter.name), this.moments.get(parameter.name)];
      if (!gradient || !moments || hidden.has(parameter)) continue;
      const decay = Optimizer.decays(parameter.name, parameter.shape) ? weightDecay : 0;
      const options = { betas: this.#options.betas, epsilon: this.#options.epsilon, weightDecay: decay };
      adamw(this.#store.get(parameter.name), gradient, moments, this.step, rateOf(parameter), factor, options);
    }
    await this.#updateHidden(gradients, factor, rateOf);
    const largest = typeof learningRate === "number" ? learningRate : Math.max(...Object.values(learningRate));
    return { norm, learningRate: largest * rateFactor };
  }

  async #updateHidden(
    gradients: ReadonlyMap<string, Float32Array>,
    factor: number,
    rateOf: (parameter: Parameter) => number,
  ): Promise<void> {
    const { muon } = this.#options;
    if (!muon || this.#hidden.length === 0) return;
    this.#newtonSchulz ??= await createNewtonSchulz(this.#hidden, this.#options.threads);
    const session = this.#newtonSchulz;
    for (const { name } of this.#hidden)
      muonDirection(gradients.get(name)!, this.moments.get(name)!.m, factor, muon.momentum, session.input(name));
    await session.run();
    for (const parameter of this.#hidden)
      muonUpdate(
        this.#store.get(parameter.name),
        session.output(parameter.name),
        parameter.shape as [number, number],
        rateOf(parameter) * muon.rateFactor,
        this.#options.weightDecay,
      );
  }

  /** Frees what the updates needed beside the arrays. */
  async dispose(): Promise<void> {
    await this.#newtonSchulz?.dispose();
    this.#newtonSchulz = undefined;
  }
}

/** @file The optimiser of a run: AdamW, or Muon for hidden matrices, with clipping, a schedule and a rate for each part. */

import type { Part } from "../../model/index.ts";
import { alone, type Communicator, gatherValues, Shards, shareShards } from "../../ranks/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import { TrainingInputError } from "../input-error.ts";
import type { Parameter, ParameterStore } from "../parameter-store.ts";
import { adamw, type Moments, newMoments } from "./adamw.ts";
import { clipFactor, normOf, squareSums } from "./clip.ts";
import { isHiddenMatrix, muonDirection, muonUpdate } from "./muon.ts";
import { createNewtonSchulz, type NewtonSchulz } from "./newton-schulz.ts";
import { type ScheduleOptions, scheduleFactor } from "./schedule.ts";

/** What has a rate of its own: the model's parts, and the parameters that auxiliary losses add. */
export type RatePart = Exclude<Part, "unused">;

/** Nothing that is unused is ever trained. */
const ratePartOf = ({ part }: Parameter): RatePart => part as RatePart;

export interface OptimizerOptions {
  /** Peak rate, or one for each part that is trained. */
  readonly learningRate: number | Partial<Record<RatePart, number>>;
  readonly schedule: ScheduleOptions;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Limit of the global gradient norm; undefined leaves gradients alone. */
  readonly maxNorm?: number;
  /** Hidden matrices are updated by Muon with this momentum, at `rateFactor` times the rate; everything by AdamW when left out. */
  readonly muon?: { readonly momentum: number; readonly rateFactor: number };
  /** What computes Muon's directions; needed for Muon alone. */
  readonly runtime?: Runtime;
  readonly threads?: number;
  /** Ranks that train together: each keeps the moments of its shard, updates that, and gives it to the others (ZeRO-1, arXiv 1910.02054). */
  readonly ranks?: Communicator;
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
  readonly ranks: Communicator;
  /** Which rank keeps what. */
  readonly shards: Shards;
  /** Of this rank's pieces of tensors, by the tensors' names; Muon has no second moments. */
  readonly moments = new Map<string, Moments>();
  /** Names of what is trained. */
  readonly trained: readonly string[];
  readonly #store: ParameterStore;
  readonly #options: OptimizerOptions;
  /** Made at the first update; undefined without Muon. */
  #newtonSchulz?: NewtonSchulz;
  readonly #hiddenNames: ReadonlySet<string>;
  /** Matrices that this rank updates by Muon. */
  readonly #hidden: readonly Parameter[];

  /** @throws TypeError for Muon without a runtime */
  /** @throws TrainingInputError when a part that is trained has no rate */
  constructor(store: ParameterStore, trained: Iterable<string>, options: OptimizerOptions) {
    if (options.muon && !options.runtime)
      throw new TypeError("Muon needs a runtime for its directions; pass runtime: nativeTraining().runtime.");
    this.#store = store;
    this.#options = options;
    const names = new Set(trained);
    const rates = options.learningRate;
    const rateless = store.parameters.find(
      (p) => typeof rates !== "number" && names.has(p.name) && rates[ratePartOf(p)] === undefined,
    );
    if (rateless)
      throw new TrainingInputError(
        `optimizer.learningRate has no rate for "${ratePartOf(rateless)}", which is trained. It has ${Object.keys(rates).join(", ")}.`,
      );
    this.ranks = options.ranks ?? alone;
    this.trained = [...names];
    const all = options.muon ? store.parameters.filter((p) => names.has(p.name) && isHiddenMatrix(p)) : [];
    this.#hiddenNames = new Set(all.map((p) => p.name));
    const tensors = this.trained.map((name) => ({
      name,
      length: store.get(name).length,
      whole: this.#hiddenNames.has(name),
    }));
    this.shards = new Shards(tensors, this.ranks.size);
    for (const { name, start, end } of this.#pieces) {
      const length = end - start;
      const moments = this.hasSecondMoment(name)
        ? newMoments(length)
        : { m: new Float32Array(length), v: new Float32Array(0) };
      this.moments.set(name, moments);
    }
    this.#hidden = all.filter((p) => this.moments.has(p.name));
  }

  /** What of each tensor this rank updates. */
  get #pieces() {
    return this.shards.piecesOf(this.ranks.rank);
  }

  hasSecondMoment(name: string): boolean {
    return !this.#hiddenNames.has(name);
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
    return firstNotFinite(this.trained.map((name) => [name, this.#store.get(name)] as const));
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
   * One update with the given gradients, first multiplied by `scale`. Of ranks, each needs the gradients of its shard alone, and
   * has the new weights of all at the end.
   * @returns norm before clipping, and the learning rate of the step (the largest where parts have their own)
   * @throws NotFiniteError naming the first bad tensor, before anything changed
   */
  async update(
    gradients: ReadonlyMap<string, Float32Array>,
    scale = 1,
  ): Promise<{ norm: number; learningRate: number }> {
    const { learningRate, schedule, weightDecay, maxNorm } = this.#options;
    const norm = (await this.#norm(gradients)) * scale;
    const factor = scale * clipFactor(norm, maxNorm);
    const rateFactor = scheduleFactor(this.step, schedule);
    this.step++;
    const rateOf = (parameter: Parameter): number =>
      rateFactor * (typeof learningRate === "number" ? learningRate : learningRate[ratePartOf(parameter)]!);
    const parameters = new Map(this.#store.parameters.map((parameter) => [parameter.name, parameter]));
    for (const { name, start, end } of this.#pieces) {
      const [gradient, moments, parameter] = [gradients.get(name), this.moments.get(name)!, parameters.get(name)!];
      if (!gradient || this.#hiddenNames.has(name)) continue;
      const decay = Optimizer.decays(name, parameter.shape) ? weightDecay : 0;
      const options = { betas: this.#options.betas, epsilon: this.#options.epsilon, weightDecay: decay };
      const weights = this.#store.get(name).subarray(start, end);
      adamw(weights, gradient.subarray(start, end), moments, this.step, rateOf(parameter), factor, options);
    }
    await this.#updateHidden(gradients, factor, rateOf);
    if (this.ranks.size > 1) await shareShards(this.ranks, this.shards, this.#weights);
    const largest = typeof learningRate === "number" ? learningRate : Math.max(...Object.values(learningRate));
    return { norm, learningRate: largest * rateFactor };
  }

  get #weights(): ReadonlyMap<string, Float32Array> {
    return new Map(this.trained.map((name) => [name, this.#store.get(name)]));
  }

  /** Norm of all gradients together. @throws NotFiniteError on every rank, naming the first bad tensor of any */
  async #norm(gradients: ReadonlyMap<string, Float32Array>): Promise<number> {
    const squares = this.#pieces.flatMap(({ name, start, end }) => {
      const gradient = gradients.get(name);
      return gradient ? squareSums(gradient, start, end) : [];
    });
    const own = this.#pieces.flatMap(({ name, start, end }) => {
      const gradient = gradients.get(name);
      return gradient ? [[name, gradient.subarray(start, end)] as const] : [];
    });
    const finite = squares.every(Number.isFinite);
    const all = await gatherValues(this.ranks, { squares, bad: finite ? undefined : firstNotFinite(own) });
    const norm = normOf(all.flatMap((of) => of.squares));
    if (Number.isFinite(norm)) return norm;
    const bad = all.find((of) => of.bad !== undefined)?.bad ?? "the model (its norm overflows)";
    throw new NotFiniteError(`step ${this.step + 1}: the gradient of ${bad} is not finite`);
  }

  async #updateHidden(
    gradients: ReadonlyMap<string, Float32Array>,
    factor: number,
    rateOf: (parameter: Parameter) => number,
  ): Promise<void> {
    const { muon, runtime } = this.#options;
    if (!muon || !runtime || this.#hidden.length === 0) return;
    this.#newtonSchulz ??= await createNewtonSchulz(runtime, this.#hidden, this.#options.threads);
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

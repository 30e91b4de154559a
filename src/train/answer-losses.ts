/** @file What a model thinks of answers: the mean loss of each conversation's trained tokens, without training. */

import { openModelCheckpoint } from "../compile/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { type BatchShape, fillInputs } from "./data/batches.ts";
import { type Sequence, windowsOf } from "./data/sequence.ts";
import { nativeTraining } from "./native-training.ts";
import { loadParameters, type ParameterStore } from "./parameter-store.ts";
import { referenceIdentity } from "./reference-sums.ts";
import { sftGraph } from "./sft-graph.ts";
import { createStepSession, type StepSession } from "./step-session.ts";

/** Shapes grow in powers of two, so that few graphs serve all lengths. */
const powerOfTwo = (n: number, least: number): number => Math.max(least, 2 ** Math.ceil(Math.log2(Math.max(1, n))));

/** Graphs that are kept loaded. */
const LOADED = 8;

export class AnswerLosses {
  /** Hash of the weights and of how they are computed with: what losses are kept by. */
  readonly identity: string;
  readonly #config: ModelConfig;
  readonly #store: ParameterStore;
  readonly #threads: number | undefined;
  readonly #sessions = new Map<string, StepSession>();

  private constructor(config: ModelConfig, store: ParameterStore, threads: number | undefined, identity: string) {
    this.identity = identity;
    this.#config = config;
    this.#store = store;
    this.#threads = threads;
  }

  /**
   * @param model a folder, a name of the hub, or "tiny"
   * @example const losses = await AnswerLosses.open("tiny");
   */
  static async open(model: string, { threads }: { readonly threads?: number } = {}): Promise<AnswerLosses> {
    const { checkpoint, config } = await openModelCheckpoint(model, {});
    const store = await loadParameters(config, checkpoint).finally(() => checkpoint.close());
    const identity = await referenceIdentity(store, JSON.stringify({ kernels: !!nativeTraining().kernels }));
    return new AnswerLosses(config, store, threads, identity);
  }

  /**
   * Mean of -log p over the sample's trained tokens, in nats. One call at a time.
   * @throws RangeError for a sample longer than the model's context
   */
  async of(sample: Sequence): Promise<number> {
    const { maxPositions } = this.#config.decoder;
    if (sample.ids.length > maxPositions)
      throw new RangeError(`The conversation has ${sample.ids.length} tokens, more than the model's ${maxPositions}.`);
    const labels = powerOfTwo(sample.targets.length, 16);
    const shape = {
      images: powerOfTwo(windowsOf(sample), 1),
      rows: 1,
      length: powerOfTwo(sample.ids.length, 64),
      labels,
      headChunk: labels,
    };
    const session = await this.#session(shape);
    (session.inputs.get("weights")?.data as Float32Array | undefined)?.fill(0);
    const batch = { rows: [[sample]], cursor: 0, trainedTokens: sample.targets.length };
    fillInputs(session.inputs, batch, shape, this.#config.windowTokens);
    await session.run();
    const logProbs = session.outputs.get("log_probs")!.data as Float32Array;
    let sum = 0;
    for (let i = 0; i < sample.targets.length; i++) sum -= logProbs[i]!;
    return sum / sample.targets.length;
  }

  async #session(shape: BatchShape & { readonly headChunk: number }): Promise<StepSession> {
    const key = JSON.stringify(shape);
    const known = this.#sessions.get(key);
    this.#sessions.delete(key);
    const logProbs = () => ({ outputs: { log_probs: sftGraph(this.#config, shape).outputs.log_probs! } });
    const options = { on: nativeTraining(), threads: this.#threads };
    const session = known ?? (await createStepSession(logProbs(), this.#store, options));
    this.#sessions.set(key, session);
    const [oldest] = this.#sessions;
    if (this.#sessions.size > LOADED) {
      this.#sessions.delete(oldest![0]);
      await oldest![1].dispose();
    }
    return session;
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions.values()) await session.dispose();
  }
}

/** @file The graphs of a GRPO update: log-probabilities of sampled tokens, and the policy loss over them. */

import { input, type Value } from "../graph/index.ts";
import { type ModelConfig, parametersOf, sequenceHidden } from "../model/index.ts";
import type { Tensor } from "../runtime/index.ts";
import { type PolicyLossOptions, policyLoss } from "./loss/policy-loss.ts";
import { tokenLogProbs } from "./loss/token-log-probs.ts";
import { type PictureInput, pictureFeatures } from "./picture-input.ts";
import type { SftShape } from "./sft-graph.ts";
import type { StepGraph } from "./step-session.ts";

export interface GrpoGraphOptions extends PolicyLossOptions {
  /** Temperature of the rollouts: log-probabilities are of logits divided by it. */
  readonly temperature: number;
  /** Default "pixels". */
  readonly pictures?: PictureInput;
  /** One update per rollout: the old log-probabilities are the current ones. */
  readonly onPolicy: boolean;
  /** Completions per batch, for level "sequence". */
  readonly sequences: number;
}

/** log p and entropy of the labelled tokens; inputs as `sftGraph`, without the weights, or `PICTURE_TOKENS` in place of `pixels`. */
function sampledTokens(config: ModelConfig, shape: SftShape, temperature: number, pictures?: PictureInput) {
  const p = parametersOf(config);
  const hidden = sequenceHidden(p, config, shape, pictureFeatures(p, config, shape.images, pictures));
  const rows = input("label_rows", "int64", [shape.labels]);
  const targets = input("targets", "int64", [shape.labels]);
  const scale = temperature === 1 ? undefined : input("inverse_temperature", "float32", []);
  return tokenLogProbs(p, hidden, rows, targets, { chunk: shape.headChunk, scale, measures: ["entropy"] });
}

/** Only log-probabilities: for the policy before the update, and for the reference. */
export const logProbGraph = (
  config: ModelConfig,
  shape: SftShape,
  temperature: number,
  pictures?: PictureInput,
): StepGraph => ({
  outputs: { log_probs: sampledTokens(config, shape, temperature, pictures).logProbs },
});

/** What the loss is told of each label; the optional ones only where the loss has them. Arrays are [labels]. */
export interface PolicyInputs {
  readonly policyWeights: Float32Array;
  readonly advantages: Float32Array;
  readonly klWeights?: Float32Array;
  readonly oldLogProbs?: Float32Array;
  readonly refLogProbs?: Float32Array;
  readonly tau?: Float32Array;
  readonly sequenceOf?: BigInt64Array;
  readonly sequenceShare?: Float32Array;
}

/** The memory of a loaded loss graph's own inputs. */
export function policyInputs(inputs: ReadonlyMap<string, Tensor>): PolicyInputs {
  const floats = (name: string) => inputs.get(name)?.data as Float32Array | undefined;
  return {
    policyWeights: floats("policy_weights")!,
    advantages: floats("advantages")!,
    klWeights: floats("kl_weights"),
    oldLogProbs: floats("old_log_probs"),
    refLogProbs: floats("ref_log_probs"),
    tau: floats("tau"),
    sequenceOf: inputs.get("sequence_of")?.data as BigInt64Array | undefined,
    sequenceShare: floats("sequence_share"),
  };
}

/**
 * Inputs: those of `sequenceHidden`, `pixels` or `PICTURE_TOKENS`, `label_rows`, `targets`, and float32 [labels]: `advantages`,
 * `policy_weights`, `kl_weights` (beta > 0), `old_log_probs` (not on-policy), `ref_log_probs` (beta > 0), `tau` (sapo),
 * `sequence_of` int64 and `sequence_share` (level "sequence").
 * Outputs: `loss`, `log_probs`, `entropy`.
 */
export function grpoGraph(config: ModelConfig, shape: SftShape, options: GrpoGraphOptions): StepGraph {
  const { logProbs, measures } = sampledTokens(config, shape, options.temperature, options.pictures);
  const perToken = (name: string): Value => input(name, "float32", [shape.labels]);
  const policyWeights = perToken("policy_weights");
  const loss = policyLoss(
    {
      logProbs,
      oldLogProbs: options.onPolicy ? undefined : perToken("old_log_probs"),
      refLogProbs: options.beta > 0 ? perToken("ref_log_probs") : undefined,
      advantages: perToken("advantages"),
      policyWeights,
      klWeights: options.beta > 0 ? perToken("kl_weights") : policyWeights,
      tau: options.kind === "sapo" ? perToken("tau") : undefined,
      sequence:
        options.level === "sequence"
          ? {
              of: input("sequence_of", "int64", [shape.labels]),
              count: options.sequences,
              share: perToken("sequence_share"),
            }
          : undefined,
    },
    options,
  );
  return { loss, outputs: { log_probs: logProbs, entropy: measures.entropy! } };
}

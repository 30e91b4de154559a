/** @file The policy-gradient losses of GRPO and its relatives, per token, as one graph; how tokens are averaged is only a weight. */

import {
  add,
  clip,
  div,
  exp,
  gather,
  minimum,
  mul,
  neg,
  reduceSum,
  reshape,
  scalar,
  scatterAddRows,
  sigmoid,
  stopGradient,
  sub,
  type Value,
} from "../../graph/index.ts";

export interface PolicyLossOptions {
  /** "clip": PPO's clipped surrogate (grpo, bnpo, dr_grpo, dapo) · "cispo": clipped weight on log p · "sapo": soft gate. */
  readonly kind: "clip" | "cispo" | "sapo";
  readonly epsilonLow: number;
  readonly epsilonHigh: number;
  /** Two-sided clip: upper bound on the ratio in the unclipped branch. */
  readonly delta?: number;
  /** Ratio of each token, or of the whole sequence (GSPO). */
  readonly level: "token" | "sequence";
  /** Weight of the KL term; 0 leaves the reference out of the graph. */
  readonly beta: number;
  /** "k3": exp(d) - d - 1 with d = ref - logp · "k3-unbiased": times the differentiable, unclipped ratio. */
  readonly kl: "k3" | "k3-unbiased";
}

/** One entry per token, [tokens], but `sequence`. */
export interface PolicyLossInputs {
  readonly logProbs: Value;
  /** Before the update; leave out when there is a single update per rollout: then it is `logProbs` without gradient. */
  readonly oldLogProbs?: Value;
  readonly refLogProbs?: Value;
  readonly advantages: Value;
  /** Weight of the policy term: see `tokenWeights`; 0 for tokens that do not count. Carries the sampler correction. */
  readonly policyWeights: Value;
  /** Weight of the KL term: the same without the correction. */
  readonly klWeights: Value;
  /** For level "sequence": int64 number of the sequence, how many there are, and 1/length where the token counts. */
  readonly sequence?: { readonly of: Value; readonly count: number; readonly share: Value };
  /** For "sapo": the temperature of each token. */
  readonly tau?: Value;
}

/** Mean of the counted tokens' log-ratios per sequence, back at every token. */
function sequenceMean(logRatio: Value, { of, count, share }: NonNullable<PolicyLossInputs["sequence"]>): Value {
  const tokens = logRatio.shape[0]!;
  const sums = scatterAddRows(of, reshape(mul(logRatio, share), [tokens, 1]), [count, 1]);
  return reshape(gather(sums, of), [tokens]);
}

function policyTerm(ratio: Value, inputs: PolicyLossInputs, o: PolicyLossOptions): Value {
  const { advantages: a, logProbs } = inputs;
  if (o.kind === "cispo") return neg(mul(mul(stopGradient(minimum(ratio, scalar(o.epsilonHigh))), a), logProbs));
  if (o.kind === "sapo") {
    const tau = inputs.tau!;
    const gate = div(mul(scalar(4), sigmoid(mul(tau, sub(ratio, scalar(1))))), tau);
    return neg(mul(gate, a));
  }
  const free = o.delta === undefined ? ratio : minimum(ratio, scalar(o.delta));
  return neg(minimum(mul(free, a), mul(clip(ratio, 1 - o.epsilonLow, 1 + o.epsilonHigh), a)));
}

/**
 * loss = Σ policy term · policyWeights + β·Σ KL · klWeights, a scalar.
 * Formulae: GRPO arXiv 2402.03300, DAPO 2503.14476, Dr. GRPO 2503.20783, GSPO 2507.18071, CISPO 2506.13585,
 * SAPO 2511.20347; semantics of TRL 1.13 (`GRPOTrainer._compute_loss`).
 */
export function policyLoss(inputs: PolicyLossInputs, options: PolicyLossOptions): Value {
  const { logProbs, refLogProbs, policyWeights, klWeights } = inputs;
  const old = inputs.oldLogProbs ?? stopGradient(logProbs);
  const logRatio = sub(logProbs, old);
  const ratio = exp(options.level === "sequence" ? sequenceMean(logRatio, inputs.sequence!) : logRatio);
  const policy = reduceSum(mul(policyTerm(ratio, inputs, options), policyWeights), [0]);
  if (options.beta === 0) return policy;
  const d = sub(refLogProbs!, logProbs);
  const k3 = sub(sub(exp(d), d), scalar(1));
  const kl = options.kl === "k3" ? k3 : mul(ratio, k3);
  return add(policy, reduceSum(mul(mul(kl, klWeights), scalar(options.beta)), [0]));
}

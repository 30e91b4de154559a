/** @file The losses of preference pairs, each written once over an arithmetic: of graph values for training, of numbers with derivatives for what is reported. */

/** What the losses compute with; `T` is a graph's value [pairs], or a number with its derivatives. */
export interface Arithmetic<T> {
  constant(x: number): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  /** min(x, limit). */
  atMost(x: T, limit: number): T;
  /** max(x, 0). */
  relu(x: T): T;
  exp(x: T): T;
  sigmoid(x: T): T;
  logSigmoid(x: T): T;
}

/** The losses of a pair by the names of TRL's `loss_type`; "cdpo" is conservative DPO, LLaMA-Factory's label smoothing of "sigmoid". */
export const PREFERENCE_LOSSES = [
  "sigmoid",
  "cdpo",
  "robust",
  "hinge",
  "ipo",
  "bco_pair",
  "nca_pair",
  "apo_zero",
  "apo_down",
  "sppo_hard",
  "sigmoid_norm",
  "exo_pair",
  "discopop",
] as const;
export type PreferenceLoss = (typeof PREFERENCE_LOSSES)[number];

export const DIVERGENCES = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"] as const;
export type Divergence = (typeof DIVERGENCES)[number];

export interface PreferenceOptions {
  /** Terms of the loss with their weights; "sft" is the mean cross-entropy of the chosen answers' tokens. */
  readonly losses: readonly { readonly type: PreferenceLoss | "sft"; readonly weight: number }[];
  readonly beta: number;
  /** Share of pairs that are taken to be the wrong way round: "cdpo", "robust", "exo_pair". */
  readonly labelSmoothing: number;
  readonly divergence: Divergence;
  /** α of "alpha_divergence"; 1 is "reverse_kl". */
  readonly divergenceAlpha: number;
  readonly discopopTau: number;
}

/** One of a pair's two answers: s = Σ log π − Σ log π_ref, and 1/tokens. */
export interface AnswerRatio<T> {
  readonly logRatio: T;
  readonly inverseLength: T;
}

export interface PairRatios<T> {
  readonly chosen: AnswerRatio<T>;
  readonly rejected: AnswerRatio<T>;
  /** δ that "bco_pair" takes off rewards; 0 is TRL's present form. Carries no gradient. */
  readonly shift: T;
}

/** Largest exponent of the α-divergence, as in TRL: exp of it is a float32. */
const LARGEST_EXPONENT = 80;

/** f′(t) of the divergence at t = exp(log ratio), without constants, which cancel in pairs (arXiv 2309.16240). */
function scoreOf<T>(m: Arithmetic<T>, ratio: T, { divergence, divergenceAlpha }: PreferenceOptions): T {
  const times = (x: T, factor: number) => m.mul(x, m.constant(factor));
  const rest = divergenceAlpha - 1;
  switch (divergence) {
    case "reverse_kl":
      return ratio;
    case "forward_kl":
      return times(m.exp(times(ratio, -1)), -1);
    case "js_divergence":
      return m.logSigmoid(ratio);
    case "alpha_divergence":
      return Math.abs(rest) < 1e-6 ? ratio : times(m.exp(m.atMost(times(ratio, rest), LARGEST_EXPONENT)), 1 / rest);
  }
}

/**
 * The loss of each pair, without the terms "sft". Semantics of TRL 1.13 (`DPOTrainer._compute_loss`). Papers: DPO 2305.18290, IPO
 * 2310.12036, cDPO and robust 2403.00409, BCO 2404.04656, NCA 2402.05369, APO 2408.06266, SPPO 2405.00675, EXO 2402.00856,
 * DiscoPOP 2406.08414; MPO, a weighted sum of "sigmoid", "bco_pair" and "sft", 2411.10442.
 */
export function pairLoss<T>(m: Arithmetic<T>, pair: PairRatios<T>, options: PreferenceOptions): T {
  const { beta, labelSmoothing: smoothing } = options;
  const times = (x: T, factor: number): T => m.mul(x, m.constant(factor));
  const minus = (x: T): T => times(x, -1);
  const square = (x: T): T => m.mul(x, x);
  const oneMinus = (x: T): T => m.sub(m.constant(1), x);
  /** −log σ(x). */
  const logistic = (x: T): T => minus(m.logSigmoid(x));
  const mixed = (a: T, b: T): T => m.add(times(a, 1 - smoothing), times(b, smoothing));
  const { chosen, rejected, shift } = pair;
  const score = {
    chosen: scoreOf(m, chosen.logRatio, options),
    rejected: scoreOf(m, rejected.logRatio, options),
  };
  const margin = times(m.sub(score.chosen, score.rejected), beta);
  const reward = { chosen: times(score.chosen, beta), rejected: times(score.rejected, beta) };
  const perToken = () =>
    m.sub(m.mul(score.chosen, chosen.inverseLength), m.mul(score.rejected, rejected.inverseLength));

  const terms: Readonly<Record<PreferenceLoss, () => T>> = {
    sigmoid: () => logistic(margin),
    cdpo: () => mixed(logistic(margin), logistic(minus(margin))),
    robust: () =>
      times(
        m.sub(times(logistic(margin), 1 - smoothing), times(logistic(minus(margin)), smoothing)),
        1 / (1 - 2 * smoothing),
      ),
    hinge: () => m.relu(oneMinus(margin)),
    ipo: () => square(m.sub(perToken(), m.constant(1 / (2 * beta)))),
    bco_pair: () => m.add(logistic(m.sub(reward.chosen, shift)), logistic(m.sub(shift, reward.rejected))),
    nca_pair: () =>
      m.add(
        logistic(reward.chosen),
        times(m.add(logistic(minus(reward.chosen)), logistic(minus(reward.rejected))), 0.5),
      ),
    apo_zero: () => m.add(oneMinus(m.sigmoid(times(chosen.logRatio, beta))), m.sigmoid(times(rejected.logRatio, beta))),
    apo_down: () => m.add(m.sigmoid(times(chosen.logRatio, beta)), oneMinus(m.sigmoid(margin))),
    sppo_hard: () =>
      m.add(square(m.sub(score.chosen, m.constant(0.5 / beta))), square(m.add(score.rejected, m.constant(0.5 / beta)))),
    sigmoid_norm: () => logistic(times(perToken(), beta)),
    exo_pair: () => {
      const [right, wrong] = [m.logSigmoid(margin), m.logSigmoid(minus(margin))];
      return m.add(
        m.mul(m.sigmoid(margin), m.sub(right, m.constant(Math.log1p(-smoothing)))),
        m.mul(m.sigmoid(minus(margin)), m.sub(wrong, m.constant(Math.log(smoothing)))),
      );
    },
    discopop: () => {
      const modulation = m.sigmoid(times(margin, 1 / options.discopopTau));
      return m.add(m.mul(logistic(margin), oneMinus(modulation)), m.mul(m.exp(minus(margin)), modulation));
    },
  };
  return options.losses
    .filter((l): l is { type: PreferenceLoss; weight: number } => l.type !== "sft")
    .map(({ type, weight }) => times(terms[type](), weight))
    .reduce((a, b) => m.add(a, b), m.constant(0));
}

/** Weight of the cross-entropy of chosen answers in the loss. */
export const sftWeight = ({ losses }: Pick<PreferenceOptions, "losses">): number =>
  losses.reduce((sum, { type, weight }) => sum + (type === "sft" ? weight : 0), 0);

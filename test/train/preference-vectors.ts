/** @file One case of TRL's preference losses: in float64, and as a graph through the head's log-probabilities. */

import { gradients, input, weight } from "../../src/graph/index.ts";
import type { Parameters } from "../../src/model/index.ts";
import {
  lengthWeights,
  type PreferenceStepOptions,
  preferenceLoss,
  preferenceStep,
  type ScoredAnswer,
  tokenLogProbs,
} from "../../src/train/index.ts";
import { evaluate, relativeError } from "./evaluate.ts";

/** Rows 0 to B-1 are chosen, the others rejected; row t of the logits predicts token t + 1. */
export interface PreferenceCase {
  readonly loss_type: readonly string[];
  readonly loss_weights: readonly number[];
  readonly beta: number;
  readonly label_smoothing?: number;
  readonly ld_alpha?: number | null;
  readonly use_weighting?: boolean;
  readonly f_divergence_type?: string;
  readonly f_alpha_divergence_coef?: number;
  readonly discopop_tau?: number;
  readonly logits: readonly (readonly (readonly number[])[])[];
  readonly input_ids: readonly (readonly number[])[];
  readonly completion_mask: readonly (readonly number[])[];
  readonly ref_chosen_logps: readonly number[];
  readonly ref_rejected_logps: readonly number[];
  readonly loss: number;
  readonly logits_grad: readonly (readonly (readonly number[])[])[];
  readonly metrics: Readonly<Record<string, number>>;
}

export interface PreferenceErrors {
  readonly loss: number;
  readonly gradient: number;
  /** Of metrics by name; TRL takes shares in float32. */
  readonly metrics: Readonly<Record<string, number>>;
}

const optionsOf = (c: PreferenceCase) =>
  ({
    losses: c.loss_type.map((type, i) => ({ type, weight: c.loss_weights[i]! })),
    beta: c.beta,
    labelSmoothing: c.label_smoothing ?? 0,
    divergence: c.f_divergence_type ?? "reverse_kl",
    divergenceAlpha: c.f_alpha_divergence_coef ?? 1,
    discopopTau: c.discopop_tau ?? 0.05,
    ldAlpha: c.ld_alpha ?? 1,
  }) as PreferenceStepOptions & { readonly ldAlpha: number };

/** Places [row, t] of the logits that predict the answers' tokens, one list per answer. */
const placesOf = (c: PreferenceCase): [number, number][][] =>
  c.completion_mask.map((mask, row) =>
    mask.flatMap((on, t): [number, number][] => (on && t > 0 ? [[row, t - 1]] : [])),
  );

const names = ["rewards", "logps", "logits", "entropy", "mean_token_accuracy"];
function compareMetrics(found: Readonly<Record<string, number>>, c: PreferenceCase): Record<string, number> {
  const wanted = Object.entries(c.metrics).filter(([name]) => names.includes(name.split("/")[0]!));
  return Object.fromEntries(wanted.map(([name, value]) => [name, Math.abs((found[name] ?? Number.NaN) - value)]));
}

const softmax = (logits: readonly number[]): { p: number[]; logSum: number } => {
  const most = Math.max(...logits);
  const logSum = most + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return { p: logits.map((x) => Math.exp(x - logSum)), logSum };
};

/** Errors of `preferenceStep`: absolute of loss and metrics, of the gradient at the logits its largest. */
export function inFloat64(c: PreferenceCase): PreferenceErrors {
  const pairs = c.ref_chosen_logps.length;
  const places = placesOf(c);
  const answer = (row: number): ScoredAnswer => {
    const at = places[row]!.map(([r, t]) => ({ logits: c.logits[r]![t]!, target: c.input_ids[r]![t + 1]! }));
    const each = at.map(({ logits, target }) => ({ ...softmax(logits), logits, target }));
    return {
      logProbs: each.map(({ logits, target, logSum }) => logits[target]! - logSum),
      reference: (row < pairs ? c.ref_chosen_logps[row] : c.ref_rejected_logps[row - pairs])!,
      alignment: c.use_weighting ? each.map(({ p }) => Math.log(p.reduce((sum, x) => sum + x * x, 0))) : undefined,
      entropy: each.map(({ p }) => -p.reduce((sum, x) => sum + x * Math.log(x), 0)),
      meanLogit: each.map(({ logits }) => logits.reduce((sum, x) => sum + x, 0) / logits.length),
      correct: each.map(({ logits, target }) => Number(logits.indexOf(Math.max(...logits)) === target)),
    };
  };
  const step = preferenceStep(
    Array.from({ length: pairs }, (_, i) => ({ chosen: answer(i), rejected: answer(i + pairs) })),
    optionsOf(c),
  );
  const gradient = c.logits.map((row) => row.map((logits) => logits.map(() => 0)));
  for (const [row, own] of places.entries())
    for (const [k, [r, t]] of own.entries()) {
      const w = step.weights[row % pairs]![row < pairs ? "chosen" : "rejected"][k]!;
      const target = c.input_ids[r]![t + 1]!;
      const { p } = softmax(c.logits[r]![t]!);
      gradient[r]![t] = p.map((x, id) => w * (Number(id === target) - x));
    }
  return {
    loss: Math.abs(step.loss - c.loss),
    gradient: Math.max(...gradient.flat(2).map((x, i) => Math.abs(x - c.logits_grad.flat(2)[i]!))),
    metrics: compareMetrics(step.metrics, c),
  };
}

/** Errors of `preferenceLoss` over `tokenLogProbs`, relative to the largest number. */
export async function throughGraph(c: PreferenceCase): Promise<PreferenceErrors> {
  const options = optionsOf(c);
  const pairs = c.ref_chosen_logps.length;
  const [length, vocabulary] = [c.logits[0]!.length, c.logits[0]![0]!.length];
  const places = placesOf(c);
  const tokens = places.flatMap((own, answer) => own.map(([r, t], k) => ({ r, t, k, answer })));
  const labels = tokens.length;
  const lengths = places.map((own) => own.length);
  // With the identity as the LM head, hidden states are the logits themselves.
  const hidden = weight("hidden", "float32", [2 * pairs * length, vocabulary]);
  const head = { head: weight("head", "float32", [vocabulary, vocabulary]) } as unknown as Parameters;
  const [rows, targets] = [input("rows", "int64", [labels]), input("targets", "int64", [labels])];
  const measures = ["entropy", "mean_logit", "alignment"] as const;
  const found = tokenLogProbs(head, hidden, rows, targets, { chunk: labels, measures });
  const floats = (name: string, n: number) => input(name, "float32", [n]);
  const loss = preferenceLoss(
    {
      logProbs: found.logProbs,
      alignment: c.use_weighting ? found.measures.alignment : undefined,
      answerOf: input("answer_of", "int64", [labels]),
      lengthWeights: floats("length_weights", labels),
      sftShares: floats("sft_shares", labels),
      references: floats("references", 2 * pairs),
      inverseLengths: floats("inverse_lengths", 2 * pairs),
      tokenShares: floats("token_shares", labels),
      pairWeights: floats("pair_weights", pairs),
      shift: input("shift", "float32", []),
    },
    options,
  );
  const [gradient] = gradients(loss, [hidden]);
  const chosenTokens = lengths.slice(0, pairs).reduce((a, b) => a + b, 0);
  const shorter = (answer: number) => Math.min(lengths[answer % pairs]!, lengths[(answer % pairs) + pairs]!);
  const values = await evaluate(
    { loss, gradient: gradient!, logProbs: found.logProbs, correct: found.correct, ...found.measures },
    {
      hidden: c.logits.flat(2),
      head: Array.from({ length: vocabulary ** 2 }, (_, i) => +(i % (vocabulary + 1) === 0)),
      rows: tokens.map(({ r, t }) => r * length + t),
      targets: tokens.map(({ r, t }) => c.input_ids[r]![t + 1]!),
      answer_of: tokens.map(({ answer }) => answer),
      length_weights: tokens.map(
        ({ answer, k }) => lengthWeights(lengths[answer]!, shorter(answer), options.ldAlpha)[k]!,
      ),
      sft_shares: tokens.map(({ answer }) => (answer < pairs ? 1 / chosenTokens : 0)),
      references: [...c.ref_chosen_logps, ...c.ref_rejected_logps],
      inverse_lengths: lengths.map((n) => 1 / n),
      token_shares: tokens.map(({ answer }) => 1 / lengths[answer]!),
      pair_weights: Array<number>(pairs).fill(1 / pairs),
      shift: [0],
    },
  );
  const scored = (answer: number): ScoredAnswer => {
    const own = (name: string) => values[name]!.filter((_, i) => tokens[i]!.answer === answer);
    return {
      logProbs: own("logProbs"),
      reference: (answer < pairs ? c.ref_chosen_logps[answer] : c.ref_rejected_logps[answer - pairs])!,
      alignment: c.use_weighting ? own("alignment") : undefined,
      entropy: own("entropy"),
      meanLogit: own("mean_logit"),
      correct: own("correct"),
    };
  };
  const step = preferenceStep(
    Array.from({ length: pairs }, (_, i) => ({ chosen: scored(i), rejected: scored(i + pairs) })),
    options,
  );
  return {
    loss: Math.abs(values.loss![0]! - c.loss) / Math.max(1, Math.abs(c.loss)),
    gradient: relativeError(values.gradient!, c.logits_grad.flat(2)),
    metrics: compareMetrics(step.metrics, c),
  };
}

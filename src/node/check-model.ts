/** @file Which of a family's open questions a checkpoint answers how: known answers are scored under each hypothesis. */
import { openModelCheckpoint } from "../compile/index.ts";
import { NoTokenError } from "../engine/index.ts";
import { CheckpointError } from "../hub/index.ts";
import { familyOf, type Hypotheses, type ModelChoices } from "../model/index.ts";
import type { ImageInput } from "../processor/index.ts";
import { FlashVL } from "./flashvl.ts";
import type { OpenOptions } from "./open-options.ts";

/** A question with the answer that the model is known to give. */
export interface KnownAnswer {
  image: ImageInput | null;
  question: string;
  answer: string;
}

/** How likely the known answers are under a hypothesis. */
export interface HypothesisScore {
  choices: ModelChoices;
  /** Mean of -log p over the tokens of all answers, their ends included. */
  loss: number;
}

export interface CheckModelOptions
  extends Pick<OpenOptions, "preset" | "cacheDir" | "threads" | "onProgress" | "signal"> {
  onScore?: (score: HypothesisScore) => void;
}

/** What the graphs depend on; the rest is the business of a request. */
const OF_GRAPHS: readonly (keyof ModelChoices)[] = ["iss", "tokenOrder"];

/** Every combination of the values of these choices. */
function combinations(hypotheses: Hypotheses, keys: readonly (keyof ModelChoices)[]): ModelChoices[] {
  return keys.reduce<ModelChoices[]>(
    (all, key) => {
      const values = hypotheses[key];
      return values ? all.flatMap((choices) => values.map((value) => ({ ...choices, [key]: value }))) : all;
    },
    [{}],
  );
}

/** -log p of the answer's tokens and its end, summed: every other token is forbidden while they are written. */
async function lossOf(model: FlashVL, known: KnownAnswer, choices: ModelChoices, signal?: AbortSignal) {
  const { tokenizer } = model;
  const tokens = [...tokenizer.encode(known.answer), tokenizer.encodeControl("<|im_end|>")];
  const { systemPrompt, maxTiles, thumbnail } = choices;
  const result = await model.generate(known.image, [{ role: "user", content: known.question }], {
    systemPrompt,
    maxTiles,
    thumbnail,
    maxNewTokens: tokens.length,
    ignoreEndTokens: true,
    logprobs: true,
    logitsProcessor(logits, generated) {
      const token = tokens[generated.length]!;
      logits.fill(Number.NEGATIVE_INFINITY);
      logits[token] = 0;
    },
    signal,
  });
  signal?.throwIfAborted();
  return { loss: -result.logprobs!.reduce((sum, logprob) => sum + logprob, 0), tokens: tokens.length };
}

/** Request choices under which pictures differ: without several tiles there is no thumbnail to leave out. */
const isNew = ({ maxTiles, thumbnail }: ModelChoices): boolean => !(maxTiles === 1 && thumbnail === false);

/**
 * Scores known answers under every hypothesis that the checkpoint's family leaves open. Forms that contradict the tensors' shapes
 * are left out.
 * @param folder of the checkpoint
 * @returns the scores, the best first; of equal ones the likelier hypothesis
 * @throws HubError or CheckpointError when the model cannot be opened under any hypothesis
 * @example const [best] = await checkModel("models/mine", [{ image: "board.png", question: "How much?", answer: "16.8" }]);
 */
export async function checkModel(
  folder: string,
  answers: readonly KnownAnswer[],
  { onScore, ...options }: CheckModelOptions = {},
): Promise<HypothesisScore[]> {
  if (answers.length === 0) throw new RangeError("There are no known answers to score; give at least one.");
  const scores: HypothesisScore[] = [];
  let refused: unknown;
  const hypotheses = await openHypotheses(folder, options);
  for (const graphs of combinations(hypotheses, OF_GRAPHS)) {
    let opened: FlashVL;
    try {
      opened = await FlashVL.fromPretrained(folder, { ...options, ...graphs });
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      refused = error;
      continue;
    }
    await using model = opened;
    const rest = (Object.keys(hypotheses) as (keyof ModelChoices)[]).filter((key) => !OF_GRAPHS.includes(key));
    for (const choices of combinations(hypotheses, rest).filter(isNew)) {
      const each = [];
      for (const known of answers) each.push(await lossOf(model, known, choices, options.signal));
      const total = each.reduce((sum, { loss }) => sum + loss, 0);
      const loss = total / each.reduce((sum, { tokens }) => sum + tokens, 0);
      if (!Number.isFinite(loss)) throw new NoTokenError(loss);
      scores.push({ choices: { ...graphs, ...choices }, loss });
      onScore?.(scores.at(-1)!);
    }
  }
  if (scores.length === 0) throw refused;
  return scores.sort((a, b) => a.loss - b.loss);
}

/** What the family of a checkpoint leaves open. One that needs a form of stitching opens under one that fits its shapes. */
async function openHypotheses(folder: string, { cacheDir }: CheckModelOptions): Promise<Hypotheses> {
  const open = (iss: ModelChoices["iss"]) => openModelCheckpoint(folder, { cacheDir, iss });
  const { config, checkpoint } = await open("trim").catch(() => open("native"));
  await checkpoint.close();
  return familyOf(config).hypotheses(config);
}

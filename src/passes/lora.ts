/** @file Low-rank adaptation as a pass: linear layers get a trained low-rank branch, the weights themselves stay. */

import {
  add,
  type GraphOutputs,
  input,
  isOp,
  isResultOf,
  linear,
  linearOp,
  mul,
  type Rewritten,
  rewrite,
  scalar,
  type Value,
  weight,
  weightOp,
} from "../graph/index.ts";
import type { Parameter } from "../model/index.ts";
import { layerOf } from "./quantize/scheme.ts";

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Last parts of the names of the layers that are adapted, as PEFT's `target_modules`: "q_proj", "v_proj", …; or every linear layer but the LM head. */
  readonly targetModules: readonly string[] | "all-linear";
  /** Scales the branch by alpha/√rank instead of alpha/rank (rsLoRA, arXiv 2312.03732). */
  readonly rankStabilized?: boolean;
  /** Share of the branch's inputs that are zero in a training step; the others are scaled up. Default 0. */
  readonly dropout?: number;
}

const isTarget = ({ name, shape, role }: Parameter, { targetModules }: LoraConfig): boolean =>
  shape.length === 2 &&
  (targetModules === "all-linear" ? role === "matrix" : targetModules.includes(layerOf(name).split(".").at(-1)!));

/** What the branch is multiplied by. */
export const loraScale = ({
  rank,
  alpha,
  rankStabilized,
}: Pick<LoraConfig, "rank" | "alpha" | "rankStabilized">): number => alpha / (rankStabilized ? Math.sqrt(rank) : rank);

/** Inputs of a graph with dropout begin with this; each holds 0 or 1/(1 - dropout) and is as large as what it is multiplied with. */
export const LORA_DROPOUT = "lora_dropout.";

const pairNames = (weightName: string) => ({
  a: `${layerOf(weightName)}.lora_A.weight`,
  b: `${layerOf(weightName)}.lora_B.weight`,
});

/**
 * The trained tensors of a LoRA: for each target layer [out, in] an A [rank, in] and a B [out, rank].
 * @param only restricts the targets further, such as to the decoder
 * @throws Error when no layer has any of the target names
 */
export function loraParameters(
  parameters: readonly Parameter[],
  config: LoraConfig,
  only: (p: Parameter) => boolean = (p) => p.part === "decoder",
): Parameter[] {
  const { targetModules } = config;
  const targets = parameters.filter((p) => p.name.endsWith(".weight") && isTarget(p, config) && only(p));
  const layers = new Set(targets.map(({ name }) => layerOf(name).split(".").at(-1)!));
  const missing = targetModules === "all-linear" ? [] : targetModules.filter((name) => !layers.has(name));
  if (missing.length > 0 || targets.length === 0)
    throw new Error(`No layer is named ${missing.join(", ")}; expected names such as q_proj or down_proj.`);
  return targets.flatMap(({ name, shape: [out, inner], part }) => {
    const { a, b } = pairNames(name);
    return [
      { name: a, shape: [config.rank, inner!], part, role: "matrix", required: true },
      { name: b, shape: [out!, config.rank], part, role: "matrix", required: true },
    ];
  });
}

/**
 * Adds alpha/rank · x·Aᵀ·Bᵀ to every linear layer that has an A and a B among `adapted` (Hu et al., arXiv 2106.09685).
 * @example withLora({ loss: graph.loss }, { rank: 16, alpha: 32, targetModules: ["q_proj"] }, names).loss
 */
export function withLora<T extends GraphOutputs>(
  outputs: T,
  config: LoraConfig,
  adapted: ReadonlySet<string>,
): Rewritten<T> {
  const { rank, dropout = 0 } = config;
  const values = new Map<string, Value>();
  const get = (name: string, shape: number[]): Value => {
    if (!values.has(name)) values.set(name, weight(name, "float32", shape));
    return values.get(name)!;
  };
  const masks = new Map<string, Value>();
  const dropped = (x: Value): Value => {
    if (dropout === 0) return x;
    const name = LORA_DROPOUT + x.shape.join("x");
    if (!masks.has(name)) masks.set(name, input(name, "float32", x.shape));
    return mul(x, masks.get(name)!);
  };
  return rewrite(outputs, (node, [x, w, bias]) => {
    if (!isOp(node, linearOp) || !isResultOf(w, weightOp)) return undefined;
    const { a, b } = pairNames(w.node.attrs.name);
    if (!adapted.has(a)) return undefined;
    const [out, inner] = w.shape as [number, number];
    const detour = linear(linear(dropped(x!), get(a, [rank, inner])), get(b, [out, rank]));
    return [add(linear(x!, w, bias), mul(detour, scalar(loraScale(config))))];
  });
}

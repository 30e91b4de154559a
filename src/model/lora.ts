/** @file Low-rank adaptation as a pass: linear layers get a trained detour, the weights themselves stay. */

import { add, linear, linearOp, mul, rewrite, scalar, scoped, sourceName, type Value, weight } from "../graph/index.ts";
import type { Parameter } from "./parameters.ts";

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Last parts of layer names that get a detour, as PEFT's `target_modules`: "q_proj", "v_proj", … */
  readonly targetModules: readonly string[];
}

const moduleOf = (weightName: string): string => weightName.replace(/\.weight$/, "");
const isTarget = (name: string, { targetModules }: LoraConfig): boolean =>
  name.endsWith(".weight") && targetModules.includes(moduleOf(name).split(".").at(-1)!);

const pairNames = (weightName: string) => ({
  a: `${moduleOf(weightName)}.lora_A.weight`,
  b: `${moduleOf(weightName)}.lora_B.weight`,
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
  const targets = parameters.filter((p) => isTarget(p.name, config) && p.shape.length === 2 && only(p));
  if (targets.length === 0)
    throw new Error(`no layer is named ${config.targetModules.join(", ")}: expected names such as q_proj or down_proj`);
  return targets.flatMap(({ name, shape: [out, inner], part }) => {
    const { a, b } = pairNames(name);
    return [
      { name: a, shape: [config.rank, inner!], part, required: true },
      { name: b, shape: [out!, config.rank], part, required: true },
    ];
  });
}

/**
 * Adds alpha/rank · x·Aᵀ·Bᵀ to every linear layer that has an A and a B among `adapted` (Hu et al., arXiv 2106.09685).
 * @example const [loss] = withLora([plainLoss], { rank: 16, alpha: 32, targetModules: ["q_proj"] }, names)
 */
export function withLora(
  outputs: readonly Value[],
  { rank, alpha }: LoraConfig,
  adapted: ReadonlySet<string>,
): Value[] {
  const values = new Map<string, Value>();
  const get = (name: string, shape: number[]): Value => {
    if (!values.has(name)) values.set(name, weight(name, "float32", shape));
    return values.get(name)!;
  };
  return rewrite(outputs, (node, [x, w, bias]) => {
    if (node.op.name !== linearOp.name || w?.node.op.name !== "Weight") return undefined;
    const { a, b } = pairNames(sourceName(w));
    if (!adapted.has(a)) return undefined;
    const [out, inner] = w.shape as [number, number];
    return scoped(node.scope, () => {
      const detour = linear(linear(x!, get(a, [rank, inner])), get(b, [out, rank]));
      return [add(linear(x!, w, bias), mul(detour, scalar(alpha / rank)))];
    });
  });
}

/** W + alpha/rank · B·A, in place: the weight [out, in] of a layer with its detour folded in. */
export function mergeLora(
  w: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { rank, alpha }: Pick<LoraConfig, "rank" | "alpha">,
): void {
  const [inner, out] = [a.length / rank, b.length / rank];
  const scale = alpha / rank;
  for (let o = 0; o < out; o++)
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r]!;
      if (factor === 0) continue;
      for (let i = 0; i < inner; i++) w[o * inner + i]! += factor * a[r * inner + i]!;
    }
}

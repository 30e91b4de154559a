/** @file The forms that a model's graphs take: which passes make them, by device, preset and kernels. */
import type { Pass } from "../graph/index.ts";
import type { CacheType } from "../model/index.ts";
import {
  foldScales,
  fuseGateUp,
  fusePackedQkv,
  fuseProducts,
  inDeviceForm,
  type Kernels,
  type QuantizePlan,
  quantize,
  useCachedAttention,
  useUnmaskedAttention,
  withPeaks,
} from "../passes/index.ts";

/**
 * `exact`: float32, nothing fused: the reference, which runs everywhere · `standard`: for ONNX Runtime's kernels ·
 * `native`: for this package's own · `device`: for GPUs · `half`: the same in float16.
 */
type Form = "exact" | "standard" | "native" | "device" | "half";

/** What decides on a form. */
interface Circumstances {
  readonly device: "cpu" | "gpu";
  /** A preset's name. */
  readonly preset: string;
  readonly kernels: Kernels;
  readonly activations: CacheType;
}

/** The first row that fits decides. */
const DECISIONS: readonly (Partial<Circumstances> & { readonly form: Form })[] = [
  { preset: "fp16", form: "half" },
  { device: "cpu", preset: "fp32", form: "exact" },
  { device: "cpu", kernels: "native", form: "native" },
  { device: "cpu", kernels: "standard", form: "standard" },
  { device: "gpu", preset: "fp32", form: "device" },
  { device: "gpu", activations: "float32", form: "device" },
  { device: "gpu", activations: "float16", form: "half" },
];

/** The form of graphs in these circumstances. */
export function formOf(found: Circumstances): Form {
  const fits = ({ form: _, ...wanted }: (typeof DECISIONS)[number]) =>
    (Object.keys(wanted) as (keyof Circumstances)[]).every((key) => wanted[key] === found[key]);
  return DECISIONS.find(fits)!.form;
}

/** What a form leaves open about the KV cache. */
export interface CacheOptions {
  /** Whose attention over the cache `exact` has. */
  readonly attention?: Kernels;
  /** What the native attention keeps keys and values in; default float32 in `exact`, elsewhere float16. */
  readonly cache?: CacheType;
}

type Passes = (plan: QuantizePlan, options: CacheOptions) => readonly Pass[];

const onDevice = (half: boolean): { readonly vision: Passes; readonly step: Passes } => ({
  vision: (plan) => [
    foldScales,
    (graph) => fuseGateUp(graph, plan, true),
    (graph) => quantize(graph, plan),
    (graph) => inDeviceForm(graph, half),
  ],
  step: (plan) => [
    (graph) => fusePackedQkv(graph, plan),
    (graph) => fuseGateUp(graph, plan, true),
    (graph) => quantize(graph, plan),
    (graph) => inDeviceForm(graph, half),
    (graph) => withPeaks(graph, "standard"),
  ],
});

/** The passes of each form over the float32 graphs: of the vision graph, and of a decoder step. */
export const FORMS: Readonly<Record<Form, { readonly vision: Passes; readonly step: Passes }>> = {
  exact: {
    vision: (plan) => [(graph) => quantize(graph, plan)],
    step: (plan, { attention, cache = "float32" }) => [
      (graph) => quantize(graph, plan),
      (graph) => (attention === "native" ? useCachedAttention(graph, cache) : graph),
    ],
  },
  standard: {
    vision: (plan) => [foldScales, (graph) => quantize(graph, plan)],
    step: (plan) => [(graph) => fusePackedQkv(graph, plan), (graph) => quantize(graph, plan)],
  },
  native: {
    vision: (plan) => [
      foldScales,
      (graph) => useUnmaskedAttention(graph, plan),
      (graph) => fuseGateUp(graph, plan),
      (graph) => quantize(graph, plan),
      fuseProducts,
    ],
    step: (plan, { cache = "float16" }) => [
      (graph) => fusePackedQkv(graph, plan),
      (graph) => fuseGateUp(graph, plan),
      (graph) => quantize(graph, plan),
      fuseProducts,
      (graph) => useCachedAttention(graph, cache),
      (graph) => withPeaks(graph, "native"),
    ],
  },
  device: onDevice(false),
  half: onDevice(true),
};

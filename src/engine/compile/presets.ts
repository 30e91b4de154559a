/** @file Precisions by name: which graphs a preset runs. A new precision is a new entry here, made by passes over the same graphs. */
import {
  type CacheType,
  decoderGraph,
  type FlashVLConfig,
  fits,
  fuseGateUp,
  fusePackedQkv,
  fuseProducts,
  type GraphOutputs,
  inDeviceForm,
  type Kernels,
  type LayerRule,
  listParameters,
  type QuantizePlan,
  quantize,
  SCHEME_NAMES,
  type SchemeName,
  useCachedAttention,
  useTowerAttention,
  visionGraph,
  withPeaks,
  withQueries,
} from "../../model/index.ts";
import { type Device, kernelLibraryPath } from "../runtime/index.ts";

/** Rotary positions inside ONNX Runtime's GroupQueryAttention need heads of whole multiples of this. */
const HEAD_MULTIPLE = 16;

/** The graphs of one model. Prefill and decode may be one object: then they are one file and one session. */
export interface ModelGraphs {
  vision: GraphOutputs;
  /** Many new tokens of one sequence. */
  prefill: GraphOutputs;
  /** One new token of each of several sequences. */
  decode: GraphOutputs;
}

/** Which layers get which precision in each graph. */
interface PresetRules {
  readonly vision: readonly LayerRule[];
  readonly prefill: readonly LayerRule[];
  readonly decode: readonly LayerRule[];
}

const TOWER: readonly string[] = ["vit.encoder.*", "adp.*"];
const HEADS: readonly string[] = ["llm.lm_head", "llm.model.embed_tokens"];
const rules = (patterns: readonly string[], scheme: SchemeName): LayerRule[] =>
  patterns.map((pattern) => [pattern, scheme] as const);

/** The patch embedding stays float32 everywhere: it is a hundredth of the tower's work and reads raw pixels. */
const tower = (scheme: SchemeName): LayerRule[] => rules(TOWER, scheme);
const decoder = (layers: SchemeName, head: SchemeName): LayerRule[] => [
  ["llm.model.layers.*", layers],
  ...rules(HEADS, head),
];

const same = (vision: LayerRule[], both: LayerRule[]): PresetRules => ({ vision, prefill: both, decode: both });

const PRESETS = {
  /** Everything in float32: the reference that every other precision is judged against. */
  fp32: () => same([], []),
  /** 8 bits per weight. */
  int8: () => same(tower("int8"), decoder("int8", "int8")),
  /** 4 bits per weight in the decoder and its head. The tower stays at 8: it is bound by arithmetic, not by its bytes. */
  int4: () => same(tower("int8"), decoder("int4", "int4")),
  /** int8 with a scale per row of activations; the head, which only ever sees a few rows, blockwise. */
  w8a8: () => same(tower("w8a8"), decoder("w8a8", "int8")),
  /**
   * The fastest on this machine. With the native kernels one 4-bit copy serves prompts, batches and single tokens. Without
   * them prompts and pictures run in ONNX Runtime's int8 product, which is twice as fast there, and answers at 4 bits.
   */
  auto: (kernels: Kernels) =>
    kernels === "native"
      ? same(tower("int8"), decoder("int4", "int4"))
      : { vision: tower("w8a8"), prefill: decoder("w8a8", "int4"), decode: decoder("int4", "int4") },
  /** Weights and activations in float16, for GPUs. */
  fp16: () => same([], []),
} satisfies Record<string, (kernels: Kernels) => PresetRules>;

/** "auto" on a GPU: there arithmetic costs little and bytes much, so the decoder's weights alone are small. */
const ON_DEVICE = same([], decoder("int4", "int4"));

/** Name of a precision. */
export type Preset = keyof typeof PRESETS;

/** All presets, the default first. */
export const PRESET_NAMES = Object.keys(PRESETS) as readonly Preset[];

/** Precisions of single layers, by pattern: `{ "llm.model.layers.*.mlp.down_proj": "int8" }`. The last that fits counts. */
export type LayerOverrides = Readonly<Record<string, SchemeName>>;

export interface PresetOptions {
  overrides?: LayerOverrides;
  /** Default "native" where this package's kernel library loads and the device is the CPU. Graphs in fp32 use it only as `attention`. */
  kernels?: Kernels;
  /** Whose attention over the KV cache the decoder has: that of `kernels`, but in fp32 ONNX Runtime's unless asked for. */
  attention?: Kernels;
  /** Where the graphs will run. Default "cpu". */
  device?: Device;
  /** What a GPU computes in. "float16" needs one that has it; default "float32", but float16 in preset fp16. The CPU ignores it. */
  activations?: CacheType;
  /**
   * What keys and values of the KV cache are kept in where the native attention reads them; elsewhere float32. Default
   * "float16": half the bytes, of which a step of many answers reads more than of anything but weights.
   */
  cache?: CacheType;
}

/** The kernels that this machine has for a device: this package's own are for the CPU. */
export const availableKernels = (device: Device = "cpu"): Kernels =>
  device === "cpu" && kernelLibraryPath() ? "native" : "standard";

/** The library of custom operators that graphs for these kernels need, where it loads. */
export const kernelsLibrary = (kernels: Kernels): string | undefined =>
  kernels === "native" ? kernelLibraryPath() : undefined;

/** What GPUs lack, and what to use instead. */
const CPU_ONLY: Partial<Record<SchemeName, string>> = { w8a8: "int8" };

/**
 * Which layer gets which precision in each graph of a preset, overrides included.
 * @throws RangeError when there is no such preset or precision, or when an override fits no layer.
 */
export function presetPlans(
  preset: Preset,
  config: FlashVLConfig,
  options: PresetOptions = {},
): Record<keyof ModelGraphs, QuantizePlan> {
  if (!Object.hasOwn(PRESETS, preset)) {
    throw new RangeError(
      `There is no preset "${preset}"; expected ${PRESET_NAMES.map((name) => `"${name}"`).join(", ")}.`,
    );
  }
  const overrides = checkOverrides(options.overrides ?? {}, config);
  const device = options.device ?? "cpu";
  const kernels = options.kernels ?? availableKernels(device);
  if (device !== "cpu" && kernels === "native")
    throw new RangeError(`The native kernels run on the CPU; leave them out for device "${device}".`);
  const own = device !== "cpu" && preset === "auto" ? ON_DEVICE : PRESETS[preset](kernels);
  if (device !== "cpu") refuseOnDevice(device, [...own.vision, ...own.prefill, ...own.decode, ...overrides]);
  const plan = (rules: readonly LayerRule[]): QuantizePlan => ({ rules: [...rules, ...overrides], kernels });
  const decode = plan(own.decode);
  return { vision: plan(own.vision), prefill: own.prefill === own.decode ? decode : plan(own.prefill), decode };
}

function refuseOnDevice(device: Device, rules: readonly LayerRule[]): void {
  for (const [pattern, scheme] of rules) {
    const instead = CPU_ONLY[scheme];
    if (instead)
      throw new RangeError(
        `Precision ${scheme} (layers "${pattern}") runs on the CPU only; use ${instead} on "${device}".`,
      );
  }
}

/**
 * The graphs that a preset makes of a model.
 * @throws RangeError when there is no such preset or precision, when an override fits no layer, or when the attention
 *   kernel cannot take the model's heads.
 * @example presetGraphs("auto", config, { overrides: { "llm.lm_head": "int8" } }).decode
 */
export function presetGraphs(preset: Preset, config: FlashVLConfig, options: PresetOptions = {}): ModelGraphs {
  const plans = presetPlans(preset, config, options);
  const { headDim } = config.decoder;
  if (headDim % HEAD_MULTIPLE !== 0) {
    throw new RangeError(
      `config.json: the decoder's heads have ${headDim} dimensions; the attention kernel needs a multiple of ${HEAD_MULTIPLE}.`,
    );
  }
  // Graphs in fp32 are the reference: nothing of them is fused, and they run everywhere.
  const native = plans.vision.kernels === "native" && preset !== "fp32" && preset !== "fp16";
  const onDevice = (options.device ?? "cpu") !== "cpu";
  const half = preset === "fp16" || (onDevice && preset !== "fp32" && options.activations === "float16");
  const step = (plan: QuantizePlan): GraphOutputs => {
    const graph = decoderGraph(config);
    if (onDevice || half) {
      const fused = fuseGateUp(...fusePackedQkv(graph, plan), true);
      return withPeaks(inDeviceForm(quantize(...fused), half), "standard");
    }
    if (preset === "fp32") {
      const exact = quantize(graph, plan);
      return options.attention === "native" ? useCachedAttention(exact, options.cache ?? "float32") : exact;
    }
    if (!native) return quantize(...fusePackedQkv(graph, plan));
    const products = fuseProducts(quantize(...fuseGateUp(...fusePackedQkv(graph, plan))));
    return withPeaks(useCachedAttention(products, options.cache ?? "float16"), "native");
  };
  const decode = withQueries(step(plans.decode), config.decoder);
  const vision = visionGraph(config);
  return {
    vision:
      onDevice || half
        ? inDeviceForm(quantize(vision, plans.vision), half)
        : native
          ? fuseProducts(quantize(...useTowerAttention(vision, plans.vision)))
          : quantize(vision, plans.vision),
    prefill: plans.prefill === plans.decode ? decode : step(plans.prefill),
    decode,
  };
}

/**
 * The rules of overrides.
 * @throws RangeError when there is no such precision, or when an override fits no layer of the model.
 * @example checkOverrides({ "llm.lm_head": "int8" }, config) // [["llm.lm_head", "int8"]]
 */
export function checkOverrides(overrides: LayerOverrides, config: FlashVLConfig): LayerRule[] {
  const layers = listParameters(config).flatMap(({ name, shape }) =>
    shape.length >= 2 && name.endsWith(".weight") ? [name.replace(/\.weight$/, "")] : [],
  );
  return Object.entries(overrides).map(([pattern, scheme]) => {
    if (!SCHEME_NAMES.includes(scheme))
      throw new RangeError(`There is no precision "${scheme}" for "${pattern}"; expected ${SCHEME_NAMES.join(", ")}.`);
    if (!layers.some((layer) => fits(pattern, layer)))
      throw new RangeError(`The override "${pattern}" fits no layer; layers are named like "${layers.at(-1)}".`);
    return [pattern, scheme] as const;
  });
}

/** @file Precisions by name: which graphs a preset runs. A new precision is a new entry here, made by passes over the same graphs. */
import { applyPasses, type GraphOutputs } from "../graph/index.ts";
import {
  type CacheType,
  decoderGraph,
  listParameters,
  type ModelConfig,
  type Parameter,
  visionGraph,
} from "../model/index.ts";
import {
  fits,
  type Kernels,
  type LayerRule,
  layerOf,
  type QuantizePlan,
  SCHEME_NAMES,
  type SchemeName,
  withQueries,
} from "../passes/index.ts";
import type { Device, Runtime } from "../runtime/index.ts";
import { FORMS, formOf } from "./forms.ts";

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

/** Precision of each kind of layer; kinds that are not named stay float32. */
interface Precisions {
  /** Layers of the tower and the connector. Not the tower's embeddings: a hundredth of its work, and they read raw pixels. */
  readonly vision?: SchemeName;
  readonly decoder?: SchemeName;
  /** The head that makes logits. */
  readonly head?: SchemeName;
  /** Layers of the decoder while prompts are read, where that is another precision than for answers. */
  readonly prefill?: SchemeName;
}

/** Where graphs run: on the CPU by this package's kernels or by ONNX Runtime's, or on another device. */
type Place = Kernels | "device";

const everywhere = (precisions: Precisions): Readonly<Record<Place, Precisions>> => ({
  native: precisions,
  standard: precisions,
  device: precisions,
});

const PRESETS = {
  /** Everything in float32: the reference that every other precision is judged against. */
  fp32: everywhere({}),
  /** 8 bits per weight. */
  int8: everywhere({ vision: "int8", decoder: "int8", head: "int8" }),
  /** 4 bits per weight in the decoder and its head. The tower stays at 8: it is bound by arithmetic, not by its bytes. */
  int4: everywhere({ vision: "int8", decoder: "int4", head: "int4" }),
  /** int8 with a scale per row of activations; the head, which only ever sees a few rows, blockwise. */
  w8a8: everywhere({ vision: "w8a8", decoder: "w8a8", head: "int8" }),
  /**
   * The fastest. With the native kernels one 4-bit copy serves prompts, batches and single tokens. Without them prompts and
   * pictures run in ONNX Runtime's int8 product, which is twice as fast there, and answers at 4 bits. On a GPU arithmetic
   * costs little and bytes much, so the decoder's weights alone are small.
   */
  auto: {
    native: { vision: "int8", decoder: "int4", head: "int4" },
    standard: { vision: "w8a8", decoder: "int4", head: "int4", prefill: "w8a8" },
    device: { decoder: "int4", head: "int4" },
  },
  /** Weights and activations in float16, for GPUs. */
  fp16: everywhere({}),
} satisfies Record<string, Readonly<Record<Place, Precisions>>>;

/** The kind of layer that a parameter is the weight of; undefined for what never leaves float32. */
function layerKind({ part, role }: Parameter): "vision" | "decoder" | "head" | undefined {
  // Tied embeddings are the head's weight too.
  if (role === "head" || role === "embeddings") return "head";
  if (role !== "matrix" || part === "unused" || part === "auxiliary") return undefined;
  return part === "decoder" ? "decoder" : "vision";
}

/** One rule for each layer that is not float32. */
const rulesOf = (precisions: Precisions, config: ModelConfig): LayerRule[] =>
  listParameters(config).flatMap((parameter) => {
    const kind = layerKind(parameter);
    const scheme = kind && precisions[kind];
    return scheme ? [[layerOf(parameter.name), scheme] as const] : [];
  });

/** Name of a precision. */
export type Preset = keyof typeof PRESETS;

/** All presets. */
export const PRESET_NAMES = Object.keys(PRESETS) as readonly Preset[];

/** Above so many parameters float32 takes gigabytes, and seconds to the first token. */
const LARGE = 500e6;

/**
 * The preset of a model on the CPU where nobody names one: "fp32" for small models, "auto" above 500 million parameters.
 *
 * @example defaultPreset(config) // "auto" for the published 2.3 billion
 */
export function defaultPreset(config: ModelConfig): Preset {
  const used = listParameters(config).filter(({ required }) => required);
  const count = used.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return count > LARGE ? "auto" : "fp32";
}

/** Precisions of single layers, by pattern: `{ "llm.model.layers.*.mlp.down_proj": "int8" }`. The last that fits counts. */
export type LayerOverrides = Readonly<Record<string, SchemeName>>;

export interface PresetOptions {
  overrides?: LayerOverrides;
  /** Default "standard"; see {@link availableKernels}. Graphs in fp32 use them only as `attention`. */
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

/** The kernels that a runtime has for a device: this package's own are for the CPU. @example availableKernels(nativeRuntime()) */
export const availableKernels = ({ kernels }: Pick<Runtime, "kernels">, device: Device = "cpu"): Kernels =>
  device === "cpu" && kernels ? "native" : "standard";

/** The library of custom operators that graphs for these kernels need, where the runtime has it. */
export const kernelsLibrary = (runtime: Pick<Runtime, "kernels">, kernels: Kernels): string | undefined =>
  kernels === "native" ? runtime.kernels : undefined;

/** Precisions that exist on the CPU with float32 activations only, and what to use elsewhere. */
const ON_CPU_IN_FLOAT32: Partial<Record<SchemeName, SchemeName>> = { w8a8: "int8" };

/**
 * Which layer gets which precision in each graph of a preset, overrides included.
 * @throws RangeError when there is no such preset or precision, or when an override fits no layer.
 */
export function presetPlans(
  preset: Preset,
  config: ModelConfig,
  options: PresetOptions = {},
): Record<keyof ModelGraphs, QuantizePlan> {
  if (!Object.hasOwn(PRESETS, preset)) {
    throw new RangeError(
      `There is no preset "${preset}"; expected ${PRESET_NAMES.map((name) => `"${name}"`).join(", ")}.`,
    );
  }
  const overrides = checkOverrides(options.overrides ?? {}, config);
  const device = options.device ?? "cpu";
  // The native kernels take float32 rows.
  const kernels = preset === "fp16" ? "standard" : (options.kernels ?? "standard");
  if (device !== "cpu" && options.kernels === "native")
    throw new RangeError(`The native kernels run on the CPU; leave them out for device "${device}".`);
  const precisions: Precisions = PRESETS[preset][device === "cpu" ? kernels : "device"];
  if (device !== "cpu" || preset === "fp16") {
    const where = device === "cpu" ? `in preset "${preset}"` : `on "${device}"`;
    for (const scheme of Object.values(precisions)) refuse(scheme, `preset "${preset}"`, where);
    for (const [pattern, scheme] of overrides) refuse(scheme, `layers "${pattern}"`, where);
  }
  const plan = (wanted: Precisions): QuantizePlan => ({ rules: [...rulesOf(wanted, config), ...overrides], kernels });
  const decode = plan(precisions);
  const { prefill } = precisions;
  return { vision: decode, prefill: prefill ? plan({ ...precisions, decoder: prefill }) : decode, decode };
}

/** @throws RangeError when `scheme` does not exist where graphs of float16, or of a GPU, run */
function refuse(scheme: SchemeName, by: string, where: string): void {
  const instead = ON_CPU_IN_FLOAT32[scheme];
  if (instead)
    throw new RangeError(`Precision ${scheme} (${by}) runs in float32 on the CPU only; use ${instead} ${where}.`);
}

/**
 * The graphs that a preset makes of a model.
 * @throws RangeError when there is no such preset or precision, when an override fits no layer, or when the attention
 *   kernel cannot take the model's heads.
 * @example presetGraphs("auto", config, { overrides: { "llm.lm_head": "int8" } }).decode
 */
export function presetGraphs(preset: Preset, config: ModelConfig, options: PresetOptions = {}): ModelGraphs {
  const plans = presetPlans(preset, config, options);
  const { headDim } = config.decoder;
  if (headDim % HEAD_MULTIPLE !== 0) {
    throw new RangeError(
      `config.json: the decoder's heads have ${headDim} dimensions; the attention kernel needs a multiple of ${HEAD_MULTIPLE}.`,
    );
  }
  const form =
    FORMS[
      formOf({
        device: (options.device ?? "cpu") === "cpu" ? "cpu" : "gpu",
        preset,
        kernels: plans.decode.kernels,
        activations: options.activations ?? "float32",
      })
    ];
  const step = (plan: QuantizePlan): GraphOutputs => applyPasses(decoderGraph(config), form.step(plan, options));
  const decode = withQueries(step(plans.decode), config.decoder);
  return {
    vision: applyPasses(visionGraph(config), form.vision(plans.vision, options)),
    prefill: plans.prefill === plans.decode ? decode : step(plans.prefill),
    decode,
  };
}

/**
 * The rules of overrides.
 * @throws RangeError when there is no such precision, or when an override fits no layer of the model.
 * @example checkOverrides({ "llm.lm_head": "int8" }, config) // [["llm.lm_head", "int8"]]
 */
export function checkOverrides(overrides: LayerOverrides, config: ModelConfig): LayerRule[] {
  const layers = listParameters(config).flatMap(({ name, shape }) =>
    shape.length >= 2 && name.endsWith(".weight") ? [layerOf(name)] : [],
  );
  return Object.entries(overrides).map(([pattern, scheme]) => {
    if (!SCHEME_NAMES.includes(scheme))
      throw new RangeError(`There is no precision "${scheme}" for "${pattern}"; expected ${SCHEME_NAMES.join(", ")}.`);
    if (!layers.some((layer) => fits(pattern, layer)))
      throw new RangeError(`The override "${pattern}" fits no layer; layers are named like "${layers.at(-1)}".`);
    return [pattern, scheme] as const;
  });
}

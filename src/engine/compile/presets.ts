/** @file Precisions by name: which graphs a preset runs. A new precision is a new entry here, made by passes over the same graphs. */
import { decoderGraph, type FlashVLConfig, type GraphOutputs, visionGraph } from "../../model/index.ts";

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

const PRESETS = {
  /** Everything in float32: the reference that every other precision is judged against. */
  fp32(config: FlashVLConfig): ModelGraphs {
    const decoder = decoderGraph(config);
    return { vision: visionGraph(config), prefill: decoder, decode: decoder };
  },
} satisfies Record<string, (config: FlashVLConfig) => ModelGraphs>;

/** Name of a precision. */
export type Preset = keyof typeof PRESETS;

/** All presets, the default first. */
export const PRESET_NAMES = Object.keys(PRESETS) as readonly Preset[];

/**
 * The graphs that a preset makes of a model.
 * @throws RangeError when there is no such preset, or the attention kernel cannot take the model's heads.
 * @example presetGraphs("fp32", config).vision
 */
export function presetGraphs(preset: Preset, config: FlashVLConfig): ModelGraphs {
  if (!Object.hasOwn(PRESETS, preset)) {
    throw new RangeError(
      `There is no preset "${preset}"; expected ${PRESET_NAMES.map((name) => `"${name}"`).join(", ")}.`,
    );
  }
  const { headDim } = config.decoder;
  if (headDim % HEAD_MULTIPLE !== 0) {
    throw new RangeError(
      `config.json: the decoder's heads have ${headDim} dimensions; the attention kernel needs a multiple of ${HEAD_MULTIPLE}.`,
    );
  }
  return PRESETS[preset](config);
}

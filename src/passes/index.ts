/** @file The passes room's door: every transformation of a model's graph, and the bytes of the weights that passes ask for. */

export { fuseResiduals, inDeviceForm, usePlainProducts } from "./device-form.ts";
export { foldScales } from "./fold-scales.ts";
export { fuseProducts } from "./fuse-products.ts";
export { type HalfOptions, inHalf } from "./in-half.ts";
export { fuseGateUp, fusePackedQkv } from "./join-products.ts";
export { peakLiveBytes } from "./live-bytes.ts";
export { LORA_DROPOUT, type LoraConfig, loraParameters, loraScale, withLora } from "./lora.ts";
export { lowerAttention } from "./lower-attention.ts";
export { useCachedAttention, useUnmaskedAttention } from "./native-attention.ts";
export {
  layerName,
  planned,
  type QuantizePlan,
  quantize,
  quantizedLinear,
  weightOf,
} from "./quantize/quantize-graph.ts";
export {
  fits,
  type Kernels,
  type LayerRule,
  layerOf,
  ruleFor,
  SCHEME_NAMES,
  type SchemeName,
} from "./quantize/scheme.ts";
export { type SmoothingGroup, smoothingGroups, smoothingScales } from "./quantize/smoothing.ts";
export { recompute } from "./recompute.ts";
export { PEAK_BLOCK, queryName, withPeaks, withQueries } from "./step-outputs.ts";
export { PRECISIONS, type Precision, useTrainingKernels } from "./training-kernels.ts";
export { feedbackFactor } from "./weights/error-feedback.ts";
export { quantizeRows, type RowJob, type RowResult } from "./weights/quantize-rows.ts";
export { type ColumnFactors, scaledTensors, type TensorReader } from "./weights/scaled-tensors.ts";
export { type WeightMaker, weightBytes } from "./weights/weight-bytes.ts";

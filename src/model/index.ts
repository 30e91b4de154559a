/** @file The model room's door: FlashVL's sizes, its parameters, and its graphs. */

export { adapter } from "./adapter.ts";
export { fusedAttend, type OnAttend, primitiveTowerAttend, sequenceAttend, trainedTowerAttend } from "./attend.ts";
export { moveRowsGraph, readKeysGraph } from "./cache-graphs.ts";
export { type DecoderConfig, type FlashVLConfig, parseConfig, type VisionConfig } from "./config.ts";
export { decoder, lmHead } from "./decoder.ts";
export { inDeviceForm } from "./device-form.ts";
export { type CacheType, cacheNames, decoderGraph, type GraphOutputs, visionGraph } from "./inference-graphs.ts";
export { type InitialValue, initialValue } from "./initial-values.ts";
export { type LoraConfig, loraParameters, mergeLora, withLora } from "./lora.ts";
export { lowerAttention } from "./lower-attention.ts";
export { listParameters, type Parameter, Parameters, type Part } from "./parameters.ts";
export { feedbackFactor } from "./quantize/error-feedback.ts";
export { fuseGateUp, fusePackedQkv, useCachedAttention, useTowerAttention } from "./quantize/fuse.ts";
export { fuseProducts } from "./quantize/fuse-products.ts";

export {
  layerName,
  planned,
  type QuantizePlan,
  quantize,
  quantizedLinear,
  weightOf,
} from "./quantize/quantize-graph.ts";
export { quantizeRows, type RowJob, type RowResult } from "./quantize/quantize-rows.ts";
export { fits, type Kernels, type LayerRule, ruleFor, SCHEME_NAMES, type SchemeName } from "./quantize/scheme.ts";
export { smoothingScales } from "./quantize/smoothing.ts";
export { type SmoothingGroup, smoothingGroups } from "./quantize/smoothing-groups.ts";
export { ropeTables, rotaryAngles } from "./rope.ts";
export { type ColumnFactors, scaledTensors } from "./scaled-tensors.ts";
export { type SequenceShape, seenPictures, sequenceHidden } from "./sequence.ts";
export { toFloat16 } from "./to-float16.ts";
export { toFloat32 } from "./to-float32.ts";
export { type Attend, tower } from "./tower.ts";
export { PRECISIONS, type Precision, useTrainingKernels } from "./training-kernels.ts";
export { type TensorReader, type WeightMaker, weightBytes } from "./weight-bytes.ts";
export { PEAK_BLOCK, withPeaks } from "./with-peaks.ts";
export { queryName, withQueries } from "./with-queries.ts";

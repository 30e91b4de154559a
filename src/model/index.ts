/** @file The model room's door: FlashVL's sizes, its parameters, and its graphs. */

export { adapter } from "./adapter.ts";
export { fusedAttend, primitiveTowerAttend, sequenceAttend } from "./attend.ts";
export { type DecoderConfig, type FlashVLConfig, parseConfig, type VisionConfig } from "./config.ts";
export { decoder, lmHead } from "./decoder.ts";
export { cacheNames, decoderGraph, type GraphOutputs, visionGraph } from "./inference-graphs.ts";
export { type InitialValue, initialValue } from "./initial-values.ts";
export { type LoraConfig, loraParameters, mergeLora, withLora } from "./lora.ts";
export { listParameters, type Parameter, Parameters, type Part } from "./parameters.ts";
export { ropeTables } from "./rope.ts";
export { imageTokens, type SequenceShape, sequenceHidden } from "./sequence.ts";
export { type Attend, tower } from "./tower.ts";
export { type TensorReader, toFloat32, weightBytes } from "./weight-bytes.ts";

/** @file The hub room: model names become local folders, folders become open checkpoints, tensors become files. */

export { checkTensors, type ExpectedTensor } from "./check-tensors.ts";
export { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
export { bf16ToF32, f16ToF32, f32ToBf16, toF32 } from "./convert.ts";
export type { HubProgress } from "./download-model.ts";
export { byteLength, DTYPE_BYTES, type Dtype, isDtype } from "./dtype.ts";
export { CheckpointError, HubError, type HubErrorCode } from "./errors.ts";
export { openSafetensors, type SafetensorsFile } from "./open-safetensors.ts";
export { type HubOptions, resolveModel } from "./resolve-model.ts";
export type { TensorInfo } from "./safetensors-header.ts";
export { type TensorToWrite, writeSafetensors } from "./write-safetensors.ts";
export { DEFAULT_SHARD_BYTES, writeShardedSafetensors } from "./write-sharded.ts";

/** @file The hub room: model names become local folders, folders become open checkpoints, tensors become files. */

export { bf16ToF32, f16ToF32, f32ToBf16, toF32 } from "../common/index.ts";
export { ADAPTER_CONFIG, ADAPTER_WEIGHTS, readAdapterConfig } from "./adapter/adapter-config.ts";
export { checkTensors, type ExpectedTensor } from "./check-tensors.ts";
export type { Checkpoint } from "./checkpoint.ts";
export { downloadFile, type FileProgress } from "./download-file.ts";
export type { HubProgress } from "./download-model.ts";
export { byteLength, DTYPE_BYTES, type Dtype, isDtype } from "./dtype.ts";
export { CheckpointError, HubError, type HubErrorCode } from "./errors.ts";
export { loadTensors, type TensorSource } from "./load-tensors.ts";
export { type ModelName, parseModelName } from "./model-name.ts";
export { modelFolderOf, openCheckpoint } from "./open-checkpoint.ts";
export { openSafetensors, type SafetensorsFile } from "./open-safetensors.ts";
export { type Pushed, type PushedFile, type PushOptions, pushModel } from "./push-model.ts";
export { type HeldTensors, renamedCheckpoint } from "./renamed-checkpoint.ts";
export { type HubOptions, resolveModel } from "./resolve-model.ts";
export type { TensorInfo } from "./safetensors-header.ts";
export { type TensorToWrite, writeSafetensors } from "./write-safetensors.ts";
export { DEFAULT_SHARD_BYTES, writeShardedSafetensors } from "./write-sharded.ts";

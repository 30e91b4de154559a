/** @file The model room's door: FlashVL's sizes, its parameters, and its graphs. */

export {
  type Attend,
  fusedAttend,
  type OnAttend,
  sequenceAttend,
  trainedTowerAttend,
} from "./attend.ts";
export { moveRowsGraph, readKeysGraph } from "./cache-graphs.ts";
export type {
  ConnectorConfig,
  DecoderConfig,
  IssForm,
  ModelChoices,
  ModelConfig,
  Stitching,
  TileLimits,
  VisionConfig,
} from "./config.ts";
export { decoder, finalNorm, lmHead } from "./decoders/qwen.ts";
export {
  connect,
  dialectOf,
  familyOf,
  listParameters,
  parametersOf,
  planPicture,
  storedIn,
  tower,
} from "./families/index.ts";
export { parseConfig } from "./families/parse-config.ts";
export type { ConfigFacts, Family, GenerationDefaults, Hypotheses, PictureSize } from "./family.ts";
export { type CacheType, cacheNames, decoderGraph, visionGraph } from "./inference-graphs.ts";
export { type InitialValue, initialValue } from "./initial-values.ts";
export { type Parameter, Parameters, type Part, type Role } from "./parameters.ts";
export { type TileGrid, tileGrid } from "./pictures/tiles.ts";
export { type RopeRecipe, ropeTable, ropeTables, rotaryAngles } from "./rope.ts";
export { type SequenceShape, seenPictures, sequenceHidden } from "./sequence.ts";
export type { StoredTensor } from "./stored-tensors.ts";

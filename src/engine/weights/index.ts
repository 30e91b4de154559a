/** @file Door of weights at run time: embedding rows, and weights that the caller owns. */
export { checkpointEmbeddings, type EmbeddingTable, liveEmbeddings } from "./embedding-table.ts";
export { LiveWeights, type WeightMap } from "./live-weights.ts";
export { loadParameters } from "./load-parameters.ts";

/** @file The ranks room's door: several processes, on one machine or many, that do one piece of work together. */

export { alone, type Communicator, nameOfRank, RanksError } from "./communicator.ts";
export { deal, dealt, type Range } from "./deal.ts";
export { launchedRanks, openRanks } from "./open-ranks.ts";
export { type Block, blocksOf, PairwiseSum } from "./pairwise-sum.ts";
export { type Arrays, reduceBlocks, shareShards } from "./reduce.ts";
export { BLOCK, type Piece, type ShardedTensor, Shards } from "./shards.ts";
export { STOP_SIGNAL, startRanks } from "./start-ranks.ts";
export { fromFirst, gatherValues, onAny } from "./values.ts";

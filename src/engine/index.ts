/** @file Door of the engine: runs FlashVL checkpoints. */
export * from "./runtime/index.ts";

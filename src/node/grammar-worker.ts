/** @file A thread that compiles structures of answers. */
import { parentPort } from "node:worker_threads";
import type { ThreadReply } from "../common/node.ts";
import { buffersOf, compileStructure, type PackedGrammar, packGrammar, SchemaError } from "../engine/index.ts";

parentPort!.on("message", (structure: string) => {
  try {
    const result = packGrammar(compileStructure(JSON.parse(structure)));
    parentPort!.postMessage({ result } satisfies ThreadReply<PackedGrammar>, buffersOf(result));
  } catch (error) {
    const { message } = error as Error;
    const code = error instanceof SchemaError ? error.code : undefined;
    parentPort!.postMessage({ error: { message, code } } satisfies ThreadReply<PackedGrammar>);
  }
});

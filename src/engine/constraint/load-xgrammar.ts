/** @file Loads the grammar library in Node, where its package cannot be imported as it is. */
import { readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";

/** The library's public face. */
export type XGrammar = typeof import("@mlc-ai/web-xgrammar");

/** Node's way to run a CommonJS text; public to loaders, though not typed. */
interface CompilingModule extends Module {
  _compile(source: string, filename: string): void;
}

/**
 * @mlc-ai/web-xgrammar 0.1 ships one UMD file under `"type": "module"`: taken as ES module, its `require` and `__filename`
 * are missing. It is therefore run as the CommonJS module that it is.
 *
 * @example const { GrammarCompiler } = loadXGrammar();
 */
export function loadXGrammar(): XGrammar {
  const path = createRequire(import.meta.url).resolve("@mlc-ai/web-xgrammar");
  const module = new Module(path) as CompilingModule;
  module.filename = path;
  module._compile(readFileSync(path, "utf8"), path);
  return module.exports as XGrammar;
}

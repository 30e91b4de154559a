/** @file What an engine in a page is made of, as one entry for a bundler. */
export * as engine from "../../../src/engine/index.ts";
export * as processor from "../../../src/processor/browser.ts";
export * as runtime from "../../../src/runtime/index.ts";
export * as web from "../../../src/runtime/web/index.ts";

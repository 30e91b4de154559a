/** @file Loads koffi's binary for this platform from the package that holds it. */
import { createRequire } from "node:module";
import type * as Koffi from "koffi";

/**
 * Calls C functions. The package "koffi" would run a script on installation that looks for the same binary; its types come
 * from there, its code from the package of the platform.
 * @throws Error naming the package to install where it is missing
 */
export const koffi = load();

/** ONNX Runtime needs far more than koffi's default 128 KiB while it loads and optimises a graph. */
const ASYNC_STACK_BYTES = 8 * 1024 * 1024;
try {
  // Before any library is loaded: then the setting is frozen.
  koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
} catch {
  // Another user of koffi has loaded one already; its stacks may still suffice.
}

function load(): typeof Koffi {
  const name = `@koromix/koffi-${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    return require(name);
  } catch (cause) {
    const { version } = require("../../../package.json").optionalDependencies[name] ?? {};
    const advice = version ? `Install it: npm install ${name}` : "ONNX Runtime has no library for it either";
    throw new Error(`${name} cannot be loaded (${(cause as Error).message.split("\n")[0]}). ${advice}.`, { cause });
  }
}

/** @file Imports a user's module by its path: a task, a source of data, an auxiliary loss or a reward; JavaScript or TypeScript. */

import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { needPackage } from "../common/node.ts";

const TYPESCRIPT = [".ts", ".mts", ".cts"];

/** Whether a name is the path of a module. @example isModulePath("tasks/mine.ts") // true; isModulePath("MMStar") // false */
export const isModulePath = (name: string): boolean =>
  [...TYPESCRIPT, ".js", ".mjs", ".cjs"].includes(extname(name).toLowerCase());

/** Node runs TypeScript by itself from 22.18 on; where this file is TypeScript, a loader does. */
const runsTypeScript = (): boolean =>
  import.meta.url.endsWith(".ts") || Boolean((process.features as { typescript?: unknown }).typescript);

let registered: Promise<void> | undefined;
/** Both of tsx's loaders: a .ts file whose package.json has no "type" is CommonJS to it. */
const registerTypeScript = (): Promise<void> => {
  registered ??= Promise.all([import("tsx/cjs/api"), import("tsx/esm/api")]).then((loaders) => {
    for (const { register } of loaders) register();
  });
  return registered;
};

/**
 * The exports of a module. TypeScript is imported by Node itself from 22.18 on, and with the package tsx before.
 * @param path relative to the working directory, or absolute
 * @param what how errors call it, such as "reward module"
 * @throws MissingPackageError when tsx is missing; Error with code "not-found" when the file is; else naming the file and
 * why it cannot be imported
 * @example const { default: task } = await importModule("tasks/mine.ts", "task");
 */
export async function importModule(path: string, what: string): Promise<Readonly<Record<string, unknown>>> {
  if (TYPESCRIPT.includes(extname(path).toLowerCase()) && !runsTypeScript()) {
    needPackage("Importing TypeScript in Node before 22.18", "tsx");
    await registerTypeScript();
  }
  const file = resolve(path);
  if (!existsSync(file)) throw Object.assign(new Error(`The ${what} ${path} is not there.`), { code: "not-found" });
  try {
    const module = await import(pathToFileURL(file).href);
    // Compiled to CommonJS, a module is the default export of its own namespace.
    return module.default?.__esModule ? module.default : module;
  } catch (error) {
    throw new Error(`The ${what} ${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
}

/** @file Opens what a recipe names by the path of a module: its default export makes the thing from options. */

import { importModule } from "../tasks/index.ts";
import { TrainingInputError } from "./input-error.ts";

/** Options of a user's module as they stand in the recipe; the module checks them. */
export type UserOptions = Readonly<Record<string, unknown>>;

/** Makes a path of the options absolute, relative to the recipe's folder. */
export type Resolve = (path: string) => string;

/**
 * The default export of a module, which has to be a function.
 * @param what how errors call the module
 * @param form what the function looks like, for errors
 * @throws TrainingInputError when the module cannot be imported or has no default function
 */
export async function defaultFunction<F>(path: string, what: string, form: string): Promise<F> {
  const module = await importModule(path, what).catch((error) => {
    throw new TrainingInputError(error.message, { cause: error });
  });
  if (typeof module.default === "function") return module.default as F;
  throw new TrainingInputError(
    `${path} has no default export that is a function (found ${typeof module.default}): export default ${form}`,
  );
}

/** The message; of an error of zod, whichever version the module uses, a line for each option that is wrong. */
function reasonOf(error: unknown): string {
  const { issues, message } = error as { issues?: unknown; message?: string };
  if (!Array.isArray(issues)) return message ?? String(error);
  const lines = (issues as { path: PropertyKey[]; message: string }[]).map(
    ({ path, message: why }) => `  ${["options", ...path].map(String).join(".")}: ${why}`,
  );
  return `its options are not valid\n${lines.join("\n")}`;
}

/**
 * What the default export of a module makes of `options`.
 * @throws TrainingInputError when the module cannot be imported, has no default function, or that function fails
 */
export async function openModule<T>(
  path: string,
  what: string,
  options: UserOptions,
  context: unknown,
): Promise<T | undefined> {
  const open = await defaultFunction<(options: UserOptions, context: unknown) => T | Promise<T>>(
    path,
    what,
    "(options, context) => …",
  );
  try {
    return await open(options, context);
  } catch (error) {
    throw new TrainingInputError(`The ${what} ${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
}

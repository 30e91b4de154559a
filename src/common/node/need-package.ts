/** @file Packages that are not installed with this one, because few people need what they do. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const { peerDependencies } = require("../../../package.json") as { peerDependencies: Record<string, string> };

/** A package that the user has to add; the message names the command. */
export class MissingPackageError extends Error {
  override readonly name = "MissingPackageError";
}

/**
 * Makes sure of optional packages before they are imported.
 * @param purpose what needs them, as the beginning of a sentence: "Reading Excel files"
 * @param names keys of `peerDependencies` in package.json
 * @throws MissingPackageError with the one command that adds all that are missing
 * @example
 * needPackage("Reading Excel files", "read-excel-file");
 * const { default: read } = await import("read-excel-file/node");
 */
export function needPackage(purpose: string, ...names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const wanted = missing.map((name) => `"${name}@${peerDependencies[name]}"`).join(" ");
  throw new MissingPackageError(
    `${purpose} needs ${missing.join(" and ")}, which ${missing.length > 1 ? "are" : "is"} not installed. Add it with: npm install ${wanted}`,
  );
}

/** Whether a package lies in one of the node_modules folders around this one; not loaded, so this costs little. */
const isInstalled = (name: string): boolean =>
  (require.resolve.paths(name) ?? []).some((folder) => existsSync(join(folder, name, "package.json")));

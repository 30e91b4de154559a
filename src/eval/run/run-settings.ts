/** @file What a run was made with, kept in its folder, so that a resumed run cannot mix answers of two kinds. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

export type Settings = Record<string, unknown>;

const FILE = "run.json";

/**
 * Write the settings of a new run, or check that an old one agrees.
 * @throws if the folder holds answers made with other settings, naming them
 */
export function claimRun(folder: string, settings: Settings): void {
  const path = join(folder, FILE);
  // A round trip through JSON, so that undefined and missing are the same.
  const wanted = JSON.parse(JSON.stringify(settings)) as Settings;
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, `${JSON.stringify(wanted, null, 2)}\n`);
    return;
  }
  const found = JSON.parse(readFileSync(path, "utf8")) as Settings;
  const different = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].filter(
    (name) => !isDeepStrictEqual(found[name], wanted[name]),
  );
  if (different.length === 0) return;
  const list = different.map(
    (name) => `${name}: ${JSON.stringify(found[name])} there, ${JSON.stringify(wanted[name])} now`,
  );
  throw new Error(
    `${folder} holds a run with other settings (${list.join("; ")}). Use another --out folder, or remove this one.`,
  );
}

/** The settings of a run. @throws if the folder holds none */
export function readRunSettings(folder: string): Settings {
  const path = join(folder, FILE);
  if (!existsSync(path)) throw new Error(`${folder} holds no run; expected a folder with ${FILE}.`);
  return JSON.parse(readFileSync(path, "utf8")) as Settings;
}

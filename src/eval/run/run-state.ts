/** @file What a run was made with, kept in its folder, so that answers of two kinds, or of two models, never meet. */
import { existsSync, readFileSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { makeFolder, removeRemains, writeWhole } from "../../common/node.ts";
import { withCode } from "../with-code.ts";
import { readAnswers } from "./records.ts";

export type Settings = Record<string, unknown>;

/** `run.json`. */
export interface RunState {
  /** What the caller chose: set, prompt, settings of the model. */
  settings: Settings;
  /** What the model is, by content: hashes and versions. */
  identity: Settings;
  /** The data file or the task's module, where it was named by its path. */
  data?: string;
}

const FILE = "run.json";
/** Counted up when the file's meaning changes. */
const VERSION = 2;
/** What is written aside and renamed; a process that is killed meanwhile leaves the copy, the next one removes it. */
const WHOLE_FILES = [FILE, "answers.jsonl", "result.json", "scores.jsonl", "units.json", "categories.svg"];
/** Runs of the same name whose model was another. */
const EARLIER = "earlier";

/** @throws Error with code "invalid" when the file is damaged, not ours, or of a later version */
function parseState(text: string): RunState {
  const value = JSON.parse(text) as { version?: unknown } & Settings;
  if (typeof value !== "object" || value === null) throw new Error(`expected an object, found ${text.slice(0, 40)}`);
  // The first form was the settings alone, with the limit among them, and without the model's content.
  if (value.version === undefined) {
    const { limit: _, ...settings } = value;
    return { settings, identity: { version: "0.1.0" } };
  }
  if (value.version !== VERSION) throw new Error(`version ${value.version}, expected ${VERSION}`);
  const { settings, identity, data } = value as unknown as RunState;
  if (typeof settings !== "object" || typeof identity !== "object") throw new Error("settings or identity is missing");
  return { settings, identity, data };
}

/**
 * What the run in this folder was made with.
 * @throws Error with code "not-found" if the folder holds none, "invalid" if the file is damaged
 */
export function readRunState(folder: string): RunState {
  const path = join(folder, FILE);
  if (!existsSync(path)) throw withCode("invalid", `${folder} holds no run; expected a folder with ${FILE}.`);
  try {
    return parseState(readFileSync(path, "utf8"));
  } catch (error) {
    throw withCode(
      "invalid",
      `${path} cannot be read (${(error as Error).message}), so nothing says what the answers beside it were made with. Remove ${folder} to ask again.`,
    );
  }
}

/** The state of the folder; undefined where there is none, or a damaged one with no answers to lose. */
function existing(folder: string): RunState | undefined {
  if (!existsSync(join(folder, FILE))) return undefined;
  try {
    return readRunState(folder);
  } catch (error) {
    if (readAnswers(folder).size > 0) throw error;
    return undefined;
  }
}

/** "preset: "int8" there, "int4" now": what two records differ in; "" if in nothing. */
function differences(found: Settings, wanted: Settings): string {
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])]
    .filter((name) => !isDeepStrictEqual(found[name], wanted[name]))
    .map((name) => `${name}: ${JSON.stringify(found[name])} there, ${JSON.stringify(wanted[name])} now`)
    .join("; ");
}

/**
 * Begins a run in `folder`, or finds that the one there is the same. A run whose model had another content, though the
 * caller asked for the same, is moved to `earlier/` beside the folder; if the wanted run lies there, it comes back.
 *
 * Whoever calls this holds the run's lock.
 *
 * @param busy whether other processes answer shards of the run that is there
 * @returns a sentence when another model's run was moved away, else undefined
 * @throws Error if the folder holds answers made with other settings, naming them
 */
export async function claimRun(
  folder: string,
  state: RunState,
  busy: () => Promise<boolean>,
): Promise<string | undefined> {
  // A round trip through JSON, so that undefined and missing are the same.
  const wanted = JSON.parse(JSON.stringify(state)) as RunState;
  const found = existing(folder);
  for (const name of WHOLE_FILES) await removeRemains(join(folder, name));
  const other = found && differences(found.settings, wanted.settings);
  if (other)
    throw new Error(
      `${folder} holds a run with other settings (${other}). Use another --out folder, or remove this one.`,
    );
  const changed = found && differences(found.identity, wanted.identity);
  if (changed === "") return undefined;
  let told: string | undefined;
  if (found) {
    if (await busy())
      throw new Error(`${folder} is being answered by another model (${changed}). Wait for it, or use another --out.`);
    const earlier = await freeName(folder);
    await makeFolder(dirname(earlier));
    await rename(folder, earlier);
    told = `The answers in ${folder} are another model's (${changed}); they are in ${earlier} now, and a new run begins.`;
  }
  const known = await earlierRun(folder, wanted);
  if (known !== undefined && !existsSync(folder)) {
    await rename(known, folder);
    return told ?? `${known} is this model's run; it goes on in ${folder}.`;
  }
  await makeFolder(folder);
  await writeWhole(join(folder, FILE), `${JSON.stringify({ version: VERSION, ...wanted }, null, 2)}\n`);
  return told;
}

const earlierOf = (folder: string): string => join(dirname(folder), EARLIER);

/** `earlier/NAME-1` or the next number that is free. */
async function freeName(folder: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = join(earlierOf(folder), `${basename(folder)}-${number}`);
    if (!existsSync(path)) return path;
  }
}

/** The run in `earlier/` that was made with just this. */
async function earlierRun(folder: string, { settings, identity }: RunState): Promise<string | undefined> {
  const names = await readdir(earlierOf(folder)).catch(() => [] as string[]);
  for (const name of names.filter((each) => each.startsWith(`${basename(folder)}-`)).sort()) {
    const path = join(earlierOf(folder), name);
    const state = existsSync(join(path, FILE)) ? existing(path) : undefined;
    if (state && isDeepStrictEqual(state.settings, settings) && isDeepStrictEqual(state.identity, identity))
      return path;
  }
  return undefined;
}

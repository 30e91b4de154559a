/** @file Append-only records of answers: one JSON line a row, safe against being killed at any byte. */
import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../common/node.ts";
import { withCode } from "../with-code.ts";

/** What is kept of an answer. Times are kept elsewhere, so that equal runs leave equal records. */
export interface AnswerRecord {
  key: string;
  text: string;
}

const FINAL = "answers.jsonl";
const PART = /^answers\.(\d+)-of-(\d+)\.jsonl$/;

/** Shard `index` of `count`: rows whose place leaves the remainder `index`. */
export interface Shard {
  index: number;
  count: number;
}

/**
 * @throws if the text is not `i/N` with 0 <= i < N
 * @example parseShard("0/4") // { index: 0, count: 4 }
 */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const shard = { index: Number(match?.[1]), count: Number(match?.[2]) };
  if (!match || shard.count < 1 || shard.index >= shard.count) {
    throw new Error(`The shard is ${JSON.stringify(text)}; expected i/N with i from 0 to N-1, e.g. 0/4.`);
  }
  return shard;
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function parseLines(text: string, path: string): AnswerRecord[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, place) => {
      const record = attempt(() => JSON.parse(line) as Partial<AnswerRecord> | null);
      if (typeof record?.key !== "string" || typeof record.text !== "string") {
        throw withCode(
          "invalid",
          `${path}, line ${place + 1}: expected an object with key and text. Remove that line to ask its row again, or the file to ask all.`,
        );
      }
      return { key: record.key, text: record.text };
    });
}

/** All answers in a run's folder, whatever number of shards wrote them; the first answer to a row counts. */
export function readAnswers(folder: string): Map<string, string> {
  const answers = new Map<string, string>();
  if (!existsSync(folder)) return answers;
  const files = readdirSync(folder).filter((name) => name === FINAL || PART.test(name));
  for (const name of files.sort()) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    // A line without its end was being written when the process died.
    for (const { key, text: reply } of parseLines(text.slice(0, text.lastIndexOf("\n") + 1), path)) {
      if (!answers.has(key)) answers.set(key, reply);
    }
  }
  return answers;
}

/** Appends answers of one shard (or of the whole) to its own file, which is made with the first answer. */
export class AnswerWriter implements Disposable {
  readonly #path: string;
  #file: number | undefined;

  constructor(folder: string, shard: Shard = { index: 0, count: 1 }) {
    this.#path = join(folder, `answers.${shard.index}-of-${shard.count}.jsonl`);
  }

  append(record: AnswerRecord): void {
    this.#file ??= this.#open();
    writeSync(this.#file, `${JSON.stringify({ key: record.key, text: record.text })}\n`);
  }

  /** Opens the file and cuts off a half-written last line. */
  #open(): number {
    const whole = existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0);
    const file = openSync(this.#path, "a");
    const end = whole.lastIndexOf(10) + 1;
    if (end < whole.length) ftruncateSync(file, end);
    return file;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

/**
 * When every row is answered: one file in the order of the rows, the same for any number of shards, batches or restarts.
 * Answers to rows beyond a limit are kept behind them.
 */
export async function writeFinalAnswers(
  folder: string,
  keys: readonly string[],
  answers: ReadonlyMap<string, string>,
): Promise<void> {
  const order = new Set([...keys, ...answers.keys()]);
  const lines = [...order].map((key) => `${JSON.stringify({ key, text: answers.get(key)! })}\n`);
  await writeWhole(join(folder, FINAL), lines.join(""));
  // What the parts hold is in the whole now.
  for (const name of readdirSync(folder)) if (PART.test(name)) rmSync(join(folder, name));
}

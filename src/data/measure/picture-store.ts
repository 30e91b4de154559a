/** @file Measures of pictures by their content: each computed once and kept in a file, which goes on where it was stopped. */

import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, type ThreadPool } from "../../common/node.ts";
import { hashPicture, loadImage, MAX_IMAGE_BYTES, type RgbImage } from "../../processor/index.ts";
import { type Database, quoted } from "../database.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { Job } from "./row-job.ts";

/** Counted up when what is measured changes. */
const VERSION = 1;
/** Paths whose hash is remembered: neighbouring rows often ask about the same picture. */
const REMEMBERED = 100_000;

/** A picture's content, or why there is none. */
export type PictureKey = { readonly key: bigint } | { readonly fault: string };

/** The columns of the table `pictures`, with their types in the file. */
const COLUMNS = {
  key: "VARCHAR",
  width: "UINTEGER",
  height: "UINTEGER",
  phash: "VARCHAR",
  dhash: "VARCHAR",
  red: "UTINYINT",
  green: "UTINYINT",
  blue: "UTINYINT",
  entropy: "DOUBLE",
  blur: "DOUBLE",
  fault: "VARCHAR",
};

/** The first 64 bits of SHA-256: two of a hundred million pictures agree by chance with probability 0.0003. */
const keyOf = (bytes: Uint8Array): bigint => createHash("sha256").update(bytes).digest().readBigUInt64LE();

const lineOf = (key: bigint, measured: Fingerprint | string): string => {
  if (typeof measured === "string") return JSON.stringify({ key: String(key), fault: measured });
  const { color, phash, dhash, ...rest } = measured;
  const [red, green, blue] = color;
  return JSON.stringify({ key: String(key), ...rest, phash: String(phash), dhash: String(dhash), red, green, blue });
};

/** Makes a file where there is none, and ends its last line where a kill has cut it, so that the next one is not lost with it. */
export async function mendLastLine(path: string): Promise<void> {
  await makeFolder(dirname(path));
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] !== 10) await file.appendFile("\n");
  } finally {
    await file.close();
  }
}

/** Pictures that are measured; the table `pictures` has what is in the file once `publish` has run. */
export class PictureStore {
  readonly #database: Database;
  readonly #threads: ThreadPool<Job>;
  readonly #path: string;
  readonly #known = new Set<bigint>();
  /** Of pictures that cannot be decoded, why. */
  readonly #broken = new Map<bigint, string>();
  readonly #paths = new Map<string, Promise<PictureKey>>();
  #ready: Promise<void> | undefined;
  /** Pictures that this run had to look at. */
  measured = 0;

  /** @param folder where measures are kept; it is made with the first picture */
  constructor(database: Database, threads: ThreadPool<Job>, folder: string) {
    this.#database = database;
    this.#threads = threads;
    this.#path = join(folder, `pictures-${VERSION}.jsonl`);
  }

  #opened(): Promise<void> {
    this.#ready ??= this.#open();
    return this.#ready;
  }

  async #open(): Promise<void> {
    await mendLastLine(this.#path);
    await this.#publish();
    for await (const rows of this.#database.stream("SELECT key, fault FROM pictures"))
      for (const { key, fault } of rows) {
        this.#known.add(key as bigint);
        if (fault !== null) this.#broken.set(key as bigint, fault as string);
      }
  }

  /** Makes the table `pictures` of all that is measured; a line that a kill has cut is left out. */
  async publish(): Promise<void> {
    await this.#opened();
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${quoted(type)}`);
    const read = `read_ndjson(${quoted(this.#path)}, columns = {${columns.join(", ")}}, ignore_errors = true)`;
    const numbers = ["key", "phash", "dhash"].map((name) => `${name}::UBIGINT AS ${name}`).join(", ");
    await this.#database.run(
      `CREATE OR REPLACE TABLE pictures AS SELECT DISTINCT ON (key) * REPLACE (${numbers}) FROM ${read} WHERE key IS NOT NULL`,
    );
  }

  /** The content of a picture, which is measured where it is not known. @param source a path, a URL or encoded bytes */
  keyOf(source: string | Uint8Array): Promise<PictureKey> {
    if (typeof source !== "string") return this.#look(source);
    const known = this.#paths.get(source);
    const key = known ?? this.#look(source);
    this.#paths.set(source, key);
    if (this.#paths.size > REMEMBERED) this.#paths.delete(this.#paths.keys().next().value!);
    return key;
  }

  async #look(source: string | Uint8Array): Promise<PictureKey> {
    await this.#opened();
    let [key, image]: [bigint | undefined, RgbImage | undefined] = [undefined, undefined];
    let bytes: Uint8Array | undefined;
    try {
      if (typeof source === "string" && /^(data|https?|file):/i.test(source)) {
        image = await loadImage(source);
        key = keyOf(Buffer.from(await hashPicture(image)));
      } else {
        bytes = typeof source === "string" ? await readPicture(source) : source;
        key = keyOf(bytes);
      }
    } catch (error) {
      return { fault: (error as Error).message };
    }
    const broken = this.#broken.get(key);
    if (broken !== undefined) return { fault: broken };
    if (this.#known.has(key)) return { key };
    this.#known.add(key);
    this.measured++;
    let measured: Fingerprint | string;
    try {
      image ??= await loadImage(bytes!);
      measured = await this.#threads.run<Fingerprint>({ type: "pixels", image });
    } catch (error) {
      measured = (error as Error).message;
    }
    appendFileSync(this.#path, `${lineOf(key, measured)}\n`);
    if (typeof measured !== "string") return { key };
    this.#broken.set(key, measured);
    return { fault: measured };
  }
}

async function readPicture(path: string): Promise<Uint8Array> {
  const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === "ENOENT" ? `The picture ${path} does not exist.` : error.message);
  });
  if (size > MAX_IMAGE_BYTES)
    throw new Error(`The picture ${path} has ${size} bytes, expected at most ${MAX_IMAGE_BYTES}.`);
  return readFile(path);
}

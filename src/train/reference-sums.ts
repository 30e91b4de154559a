/** @file What the reference model says of pairs, computed once and kept in a file of the run, which goes on where it was stopped. */

import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { writeWhole } from "../common/node.ts";
import { alone, type Communicator, fromFirst } from "../ranks/index.ts";
import type { ParameterStore } from "./parameter-store.ts";

/** Σ log π_ref of an answer: over all its tokens, and over those within the length of the pair's shorter answer. */
export interface AnswerSum {
  readonly all: number;
  readonly shared: number;
}

export interface PairSums {
  readonly chosen: AnswerSum;
  readonly rejected: AnswerSum;
}

/** The sum where tokens past the shorter answer count `ldAlpha`. */
export const weightedSum = ({ all, shared }: AnswerSum, ldAlpha: number): number => shared + ldAlpha * (all - shared);

/** Hash of all that a reference's sums depend on beside tokens and pixels: its weights, and how they are computed with. */
export async function referenceIdentity(
  reference: Pick<ParameterStore, "parameters" | "get">,
  computed: string,
): Promise<string> {
  const hash = createHash("sha256").update(computed);
  for (const { name } of reference.parameters) {
    hash.update(name).update(reference.get(name));
    await setImmediate(); // gigabytes in one go would hold up everything else
  }
  return hash.digest("hex");
}

const VERSION = 1;
const headSchema = z.strictObject({ version: z.literal(VERSION), reference: z.string() });
const entrySchema = z.tuple([z.string(), z.number(), z.number(), z.number(), z.number()]);
/** One batch: there as a whole or not at all, so that a run that goes on makes the batches that it would have made. */
const batchSchema = z.strictObject({ pairs: z.array(entrySchema) });

export class ReferenceSums {
  readonly #path: string;
  readonly #sums = new Map<string, PairSums>();
  readonly #writes: boolean;

  private constructor(path: string, writes: boolean) {
    this.#path = path;
    this.#writes = writes;
  }

  /**
   * Opens or creates the file. What is of another reference, or damaged, is computed anew.
   * @param identity see `referenceIdentity`
   * @param print told when what was there cannot be used
   * @param ranks all know the sums; rank 0 alone reads and writes the file
   */
  static async open(
    path: string,
    identity: string,
    print: (line: string) => void,
    ranks: Communicator = alone,
  ): Promise<ReferenceSums> {
    const sums = new ReferenceSums(path, ranks.rank === 0);
    const text = await fromFirst(ranks, () =>
      readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      }),
    );
    const [head, ...lines] = (text ?? "").split("\n");
    const wanted = JSON.stringify({ version: VERSION, reference: identity });
    if (text !== undefined && head !== wanted) {
      const found = headSchema.safeParse(parsed(head!));
      const why = found.success ? "is of another model or precision" : "is damaged";
      print(`${path} ${why}; the reference's sums are computed anew.`);
    }
    const kept: string[] = [];
    if (head === wanted)
      for (const line of lines) {
        const batch = batchSchema.safeParse(parsed(line));
        if (!batch.success) break; // the empty end, or what a kill cut short
        kept.push(line);
        for (const entry of batch.data.pairs) sums.#keep(entry);
      }
    if (sums.#writes) await writeWhole(path, [wanted, ...kept].map((line) => `${line}\n`).join(""));
    return sums;
  }

  /** Pairs whose sums are known. */
  get size(): number {
    return this.#sums.size;
  }

  has(key: string): boolean {
    return this.#sums.has(key);
  }

  /** @throws Error when the sums of that pair were never computed */
  get(key: string): PairSums {
    const sums = this.#sums.get(key);
    if (!sums) throw new Error(`the reference's sums of the pair ${key} are not there`);
    return sums;
  }

  /** Keeps the sums of one batch of pairs, and writes them down. */
  add(batch: readonly (readonly [key: string, sums: PairSums])[]): void {
    const pairs = batch.map(([key, { chosen, rejected }]) => {
      const entry = [key, chosen.all, chosen.shared, rejected.all, rejected.shared] as const;
      this.#keep(entry);
      return entry;
    });
    if (this.#writes) appendFileSync(this.#path, `${JSON.stringify({ pairs })}\n`);
  }

  #keep([key, all, shared, rejectedAll, rejectedShared]: readonly [string, number, number, number, number]): void {
    this.#sums.set(key, { chosen: { all, shared }, rejected: { all: rejectedAll, shared: rejectedShared } });
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

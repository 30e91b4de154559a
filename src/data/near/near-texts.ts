/** @file Near texts: rows that share a band of their signatures are compared, and joined where enough of their runs of words agree. */

import { mapConcurrent } from "../../common/index.ts";
import type { TableWriter } from "../database.ts";
import type { Workshop } from "../measure/read-rows.ts";
import type { Signature, TextSignature } from "../measure/row-job.ts";
import type { Components } from "./components.ts";
import { jaccard, setHash } from "./min-hash.ts";
import type { NumberSets } from "./number-sets.ts";

/** Rows of a job. */
const BATCH = 256;
/** Rows of a bucket, none near another, that each further one is compared with. */
const COMPARED = 64;

const bandNames = (bands: number): string[] => Array.from({ length: bands }, (_, i) => `b${i}`);

/** Takes the signatures of texts, by row. Rows without any words are near to nothing. */
export class Signatures {
  readonly #table: TableWriter;
  readonly #sets: NumberSets;

  private constructor(table: TableWriter, sets: NumberSets) {
    this.#table = table;
    this.#sets = sets;
  }

  static async create({ database }: Workshop, { bands }: TextSignature, sets: NumberSets): Promise<Signatures> {
    const columns = ["_row", "h1", "h2", ...bandNames(bands)].map((name) => [name, "UINTEGER"]);
    return new Signatures(await database.createTable("signatures", Object.fromEntries(columns)), sets);
  }

  add(row: number, signature: Signature | null | undefined): void {
    if (!signature || signature.shingles.length === 0) return;
    this.#sets.add(row, signature.shingles);
    this.#table.write([row, ...setHash(signature.shingles), ...signature.keys]);
  }

  close(): void {
    this.#table.close();
  }
}

/** Signs what an expression gives for each row. */
export async function signExpression(
  { database, threads, width }: Workshop,
  relation: string,
  expression: string,
  text: TextSignature,
  signatures: Signatures,
): Promise<void> {
  const batches = async function* () {
    for await (const rows of database.stream(
      `SELECT _row::UINTEGER AS r, (${expression}\n)::VARCHAR AS t FROM (${relation})`,
    ))
      for (let i = 0; i < rows.length; i += BATCH) yield rows.slice(i, i + BATCH);
  };
  const signed = mapConcurrent(batches(), width, async (rows) => {
    const texts = rows.map(({ t }) => t as string | null);
    return [rows, await threads.run<(Signature | null)[]>({ type: "texts", texts, text })] as const;
  });
  for await (const [rows, found] of signed)
    for (const [i, { r }] of rows.entries()) signatures.add(Number(r), found[i]);
}

/**
 * Joins rows whose texts are near. Equal sets of runs are joined by their hash; of what is left, rows that share a band (and the
 * cluster of their pictures, where those count) are compared exactly.
 * @param threshold least share of their runs that two texts have together
 * @param clustered whether the table `clusters` says which rows may be joined at all
 */
export async function joinTexts(
  { database, signal }: Workshop,
  { bands }: TextSignature,
  { threshold, clustered }: { readonly threshold: number; readonly clustered: boolean },
  sets: NumberSets,
  components: Components,
): Promise<void> {
  const cluster = clustered ? "c.cluster" : "0";
  const from = `signatures s ${clustered ? "JOIN clusters c USING (_row)" : ""}`;
  const equal = `SELECT s._row AS r, min(s._row) OVER (PARTITION BY ${cluster}, h1, h2) AS f FROM ${from}`;
  for await (const rows of database.stream(`SELECT r, f FROM (${equal}) WHERE r <> f`))
    for (const { r, f } of rows) components.join(Number(r), Number(f));
  await database.run(
    `CREATE OR REPLACE TABLE different AS SELECT s.*, ${cluster} AS cluster FROM ${from}
     QUALIFY s._row = min(s._row) OVER (PARTITION BY ${cluster}, h1, h2)`,
  );
  for (const band of bandNames(bands)) {
    signal?.throwIfAborted();
    const bucket = `SELECT _row AS r, ${band} AS b, cluster AS c, count(*) OVER (PARTITION BY cluster, ${band}) AS n FROM different`;
    let [key, others]: [string, { row: number; set: Uint32Array }[]] = ["", []];
    for await (const rows of database.stream(`SELECT r, b, c FROM (${bucket}) WHERE n > 1 ORDER BY c, b, r`))
      for (const { r, b, c } of rows) {
        const [row, own] = [Number(r), `${c}/${b}`];
        if (own !== key) [key, others] = [own, []];
        const first = components.first(row);
        if (others.some((other) => components.first(other.row) === first)) continue; // known from an earlier band
        const set = sets.get(row);
        const near = others.find((other) => jaccard(set, other.set) >= threshold);
        if (near) components.join(row, near.row);
        else if (others.length < COMPARED) others.push({ row, set });
      }
  }
}

/** @file Near pictures by perceptual hash: a banded lookup in SQL, then clusters of what is near. */

import type { Database } from "../database.ts";
import { Components } from "./components.ts";

/** The mean colours of two near pictures differ by less: grey hashes alone call a red and a green square the same. */
const COLOR = 24;

/**
 * Queries that together give all pairs `a`, `b` of near pictures, some of them more than once: pHash and dHash, 128 bits together,
 * differ in at most `distance`, and the mean colours are near. One of the two hashes then differs in at most half of that, so in at least
 * one of half + 1 pieces of it the pictures agree: by these pieces they are looked up.
 * @param a, b tables with the columns of `pictures`
 * @param more a condition on a and b
 */
export function nearPairs(a: string, b: string, distance: number, columns: string, more = "true"): string[] {
  const half = Math.floor(distance / 2);
  const bits = (hash: string) => `bit_count(xor(a.${hash}, b.${hash}))`;
  const near = ["red", "green", "blue"].map((name) => `abs(a.${name}::INTEGER - b.${name}::INTEGER) <= ${COLOR}`);
  const conditions = [more, `${bits("phash")} + ${bits("dhash")} <= ${distance}`, ...near].join(" AND ");
  return ["phash", "dhash"].flatMap((hash) =>
    Array.from({ length: half + 1 }, (_, i) => {
      const [from, to] = [Math.floor((i * 64) / (half + 1)), Math.floor(((i + 1) * 64) / (half + 1))];
      const piece = (t: string) => `(${t}.${hash} >> ${from}) & ${2n ** BigInt(to - from) - 1n}::UBIGINT`;
      return `SELECT ${columns} FROM ${a} a JOIN ${b} b ON ${piece("a")} = ${piece("b")} WHERE ${conditions}`;
    }),
  );
}

/**
 * Makes the table `clusters (_row, cluster)`: rows whose pictures are near, place by place, share one. Rows without pictures have
 * the cluster 0; rows with one that cannot be read are not there.
 * @param table `(_row, place, key, fault)` of the rows' pictures
 */
export async function clusterPictures(
  database: Database,
  relation: string,
  table: string,
  distance: number,
): Promise<void> {
  await database.run(
    `CREATE OR REPLACE TABLE shown AS SELECT row_number() OVER (ORDER BY key)::UINTEGER AS id, p.* FROM pictures p
     WHERE fault IS NULL AND key IN (SELECT key FROM ${table})`,
  );
  const [counted] = await database.rows("SELECT count(*) AS n FROM shown");
  const components = new Components(Number(counted!.n));
  for (const sql of nearPairs("shown", "shown", distance, "a.id AS x, b.id AS y", "a.id < b.id"))
    for await (const pairs of database.stream(sql)) for (const { x, y } of pairs) components.join(Number(x), Number(y));
  const joined = await database.createTable("joined_pictures", { id: "UINTEGER", cluster: "UINTEGER" });
  for (const [id, first] of components.rest()) joined.write([id, first]);
  joined.close();
  await database.run(
    `CREATE OR REPLACE TABLE clusters AS
     WITH seen AS (SELECT t._row, t.place, coalesce(j.cluster, s.id) AS cluster
       FROM ${table} t LEFT JOIN shown s USING (key) LEFT JOIN joined_pictures j USING (id))
     SELECT _row, hash(list(cluster ORDER BY place)) AS cluster FROM seen GROUP BY _row HAVING count(*) = count(cluster)
     UNION ALL SELECT _row, 0::UBIGINT FROM (${relation}) WHERE _row NOT IN (SELECT _row FROM ${table})`,
  );
}

/** @file Files that lie elsewhere: S3 and HTTP through DuckDB's extension httpfs, where it can be installed. */

import { fileHash } from "../common/node.ts";
import { DataError } from "./data-error.ts";
import { type Database, quoted } from "./database.ts";

/** @example isRemote("s3://bucket/*.jsonl") // true */
export const isRemote = (path: string): boolean => /^(s3|s3a|s3n|gs|gcs|r2|https?|hf):\/\//i.test(path);

/** DuckDB's names of what the environment says in AWS's. */
const SECRETS: readonly (readonly [key: string, variable: string])[] = [
  ["KEY_ID", "AWS_ACCESS_KEY_ID"],
  ["SECRET", "AWS_SECRET_ACCESS_KEY"],
  ["SESSION_TOKEN", "AWS_SESSION_TOKEN"],
  ["REGION", "AWS_REGION"],
];

/**
 * Makes remote files readable. Keys of S3 come from AWS's variables of the environment, and AWS_ENDPOINT_URL names another server.
 * @throws DataError where the extension can neither be loaded nor installed
 */
export async function openRemote(
  database: Database,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<void> {
  try {
    await database.run("LOAD httpfs").catch(() => database.run("INSTALL httpfs; LOAD httpfs"));
  } catch (cause) {
    throw new DataError(
      `files on S3 or the web need DuckDB's extension httpfs, which cannot be installed here: ${(cause as Error).message.split("\n")[0]} Copy the files to this machine, or install the extension where there is a network (INSTALL httpfs).`,
      { cause },
    );
  }
  const given = SECRETS.flatMap(([key, variable]) =>
    environment[variable] ? [`${key} ${quoted(environment[variable])}`] : [],
  );
  const endpoint = environment.AWS_ENDPOINT_URL && new URL(environment.AWS_ENDPOINT_URL);
  if (endpoint)
    given.push(`ENDPOINT ${quoted(endpoint.host)}`, `USE_SSL ${endpoint.protocol === "https:"}`, "URL_STYLE 'path'");
  if (given.length > 0) await database.run(`CREATE OR REPLACE SECRET s3 (TYPE s3, ${given.join(", ")})`);
}

/** What a file is by content; of one elsewhere its size and when it was changed, as its content would have to be fetched. */
export async function identityOf(database: Database, file: string): Promise<string> {
  if (!isRemote(file)) return fileHash(file, "sha256");
  const [found] = await database.rows(`SELECT size, last_modified FROM read_blob(${quoted(file)})`);
  return `${found!.size} bytes of ${found!.last_modified}`;
}

/** @file Downloads one file of a hub: continues what is on disk, follows changes, checks the bytes before they get their name. */
import { createHash } from "node:crypto";
import type { Semaphore } from "../common/index.ts";
import { BlobFetcher, type BlobJob, ChangedError } from "./blob-fetcher.ts";
import { HubError } from "./errors.ts";
import type { Located } from "./hub-api.ts";
import type { Hub } from "./hub-http.ts";
import { PartialFile } from "./partial-file.ts";

/** A content that changes more often while it is fetched is not worth following. */
const MAX_RESTARTS = 3;

/**
 * Downloads a file to `target(etag)`. The name appears only when all bytes are there and their hash is right.
 *
 * @param target where the blob with an etag belongs
 * @returns the etag under which it was stored
 * @throws HubError "corrupt" when the content is wrong twice or keeps changing; what `retry` and `locate` throw
 */
export async function downloadBlob(
  hub: Hub,
  connections: Semaphore,
  job: BlobJob,
  target: (etag: string) => string,
  first: Located,
): Promise<string> {
  let located = first;
  for (let restarts = 0; ; restarts++) {
    try {
      await downloadOnce(hub, connections, job, target(located.etag), located);
      return located.etag;
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
      if (restarts >= MAX_RESTARTS)
        throw new HubError(
          "corrupt",
          `${job.what} keeps changing while it is downloaded (${error.message}); try again later`,
          { cause: error },
        );
      located = await job.locate();
    }
  }
}

async function downloadOnce(
  hub: Hub,
  connections: Semaphore,
  job: BlobJob,
  target: string,
  located: Located,
): Promise<void> {
  const partial = await PartialFile.open(target, located.size);
  const fetcher = new BlobFetcher(hub, connections, job, located, partial);
  let keep = true;
  try {
    job.onBytes(partial.bytes);
    for (let attempt = 1; ; attempt++) {
      await fetcher.fill();
      if (await hasRightHash(partial, located.etag)) break;
      await fetcher.forget();
      if (attempt === 2) {
        keep = false;
        throw new HubError(
          "corrupt",
          `${job.what}: the downloaded bytes do not have the hash ${located.etag} that the hub announces, twice in a row; nothing was kept`,
        );
      }
    }
    await partial.finish();
  } catch (error) {
    if (error instanceof ChangedError) {
      keep = false;
      job.onBytes(-partial.bytes);
    }
    if ((error as NodeJS.ErrnoException).code === "ENOSPC")
      throw new HubError(
        "disk-full",
        `${job.what}: the disk is full; free some space and try again, what was fetched is kept`,
        { cause: error },
      );
    throw error;
  } finally {
    await (keep ? partial.close() : partial.discard());
  }
}

/** Compares with the etag where it is a hash: SHA-256 of the content, or git's SHA-1 of "blob <size>\0" and the content. */
async function hasRightHash(partial: PartialFile, etag: string): Promise<boolean> {
  const hash = /^[0-9a-f]{64}$/.test(etag)
    ? createHash("sha256")
    : /^[0-9a-f]{40}$/.test(etag)
      ? createHash("sha1")
      : undefined;
  if (!hash) return true; // another kind of server: its etag says nothing about the bytes, their number has been checked
  if (etag.length === 40) hash.update(`blob ${partial.size}\0`);
  await partial.read((bytes) => hash.update(bytes));
  return hash.digest("hex") === etag;
}

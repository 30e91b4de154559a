/** @file Downloads one file from any server: resumed after a break, checked against its MD5, in place only when whole. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { retry, retryAfterMs } from "../common/index.ts";
import { fileHash, makeFolder } from "../common/node.ts";
import { sizeOf } from "./cache-layout.ts";
import { HubError } from "./errors.ts";
import { bodyOf, discard, type Hub, send, TemporaryError } from "./hub-http.ts";
import { realSystem } from "./system.ts";

export interface FileProgress {
  done: number;
  /** Null where the server does not say. */
  total: number | null;
}

export interface FileDownloadOptions {
  md5?: string;
  onProgress?: (progress: FileProgress) => void;
  signal?: AbortSignal;
  /** Further tries after a break. Default 4. */
  retries?: number;
  /** Wait before the first of them, doubling. Default 1000. */
  firstDelayMs?: number;
}

const LONGEST_WAIT_MS = 60_000;

/**
 * One connection that appends to `PATH.part`, which any other tool can continue or have begun.
 * @throws HubError "network" if the address stays unreachable or refuses, "corrupt" if the whole file has another MD5;
 * what arrived stays in `PATH.part` after a break and is removed after a wrong MD5
 * @example await downloadFile("https://example.org/MMStar.tsv", "data/MMStar.tsv", { md5 });
 */
export async function downloadFile(url: string, path: string, options: FileDownloadOptions = {}): Promise<void> {
  const { md5, signal, retries = 4, firstDelayMs = 1000 } = options;
  const part = `${path}.part`;
  await makeFolder(dirname(path));
  const hub: Hub = { endpoint: new URL(url).origin, token: undefined, system: realSystem, signal };
  try {
    await retry(
      () => fetchRest(hub, url, part, options),
      (error) => (error instanceof TemporaryError ? error : undefined),
      { tries: retries + 1, firstWaitMs: firstDelayMs, longestWaitMs: LONGEST_WAIT_MS, signal },
    );
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof TemporaryError || cause instanceof HubError)) throw cause;
    throw new HubError("network", `Download of ${url} failed: ${cause.message}`, { cause });
  }
  const found = await fileHash(part, "md5", signal);
  if (md5 !== undefined && found !== md5) {
    await rm(part);
    throw new HubError(
      "corrupt",
      `${url} has the MD5 ${found}; expected ${md5}. The publisher may have changed the file: download it by hand to use it all the same.`,
    );
  }
  await rename(part, path);
}

async function fetchRest(hub: Hub, url: string, part: string, { onProgress }: FileDownloadOptions): Promise<void> {
  const have = (await sizeOf(part)) ?? 0;
  const response = await send(hub, url, { headers: have > 0 ? { range: `bytes=${have}-` } : {} });
  const { status, headers } = response;
  if (status >= 400) {
    await discard(response);
    if (status === 416 && have > 0) return; // the whole file is there already
    const message = `the server answered ${status}`;
    if (status < 500 && status !== 408 && status !== 429) throw new HubError("network", message);
    throw new TemporaryError(message, { waitMs: retryAfterMs(headers.get("retry-after")) });
  }
  const resumed = status === 206;
  let done = resumed ? have : 0;
  const length = Number(headers.get("content-length"));
  const total = length > 0 ? done + length : null;
  const file = await open(part, resumed ? "a" : "w");
  try {
    for await (const chunk of bodyOf(hub, response)) {
      await file.writeFile(chunk);
      done += chunk.length;
      onProgress?.({ done, total });
    }
    if (total !== null && done !== total) throw new TemporaryError(`${done} of ${total} bytes arrived`);
  } catch (error) {
    // A line that keeps breaking but brings something each time will get there.
    if (error instanceof TemporaryError && done > (resumed ? have : 0)) error.progressed = true;
    throw error;
  } finally {
    await file.close();
  }
}

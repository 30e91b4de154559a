/** @file Downloads one large file: resumed after a break, checked against its MD5, in place only when whole. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { withCode } from "../with-code.ts";

export interface DownloadProgress {
  done: number;
  total: number | null;
}

export interface DownloadOptions {
  md5?: string;
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
  /** Further tries after a break. Default 4. */
  retries?: number;
  /** Wait before the first of them, doubling. Default 1000. */
  firstDelayMs?: number;
}

/** The MD5 of a file, in hexadecimal. */
export async function fileMd5(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/**
 * @throws if the address stays unreachable or refuses, or the whole file has another MD5; what arrived stays in
 * `PATH.part` after a break and is removed after a wrong MD5
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const { md5, signal, retries = 4, firstDelayMs = 1000 } = options;
  const part = `${path}.part`;
  mkdirSync(dirname(path), { recursive: true });
  const sizeOf = () => (existsSync(part) ? statSync(part).size : 0);
  for (let attempt = 0; ; attempt++) {
    const before = sizeOf();
    try {
      await fetchRest(url, part, options);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      // A line that keeps breaking but brings something each time will get there.
      if (sizeOf() > before) attempt = 0;
      const final = error instanceof RefusedError || attempt === retries;
      if (final) throw withCode("network", `Download of ${url} failed: ${(error as Error).message}`);
      await sleep(firstDelayMs * 2 ** attempt, undefined, { signal });
    }
  }
  const found = await fileMd5(part);
  if (md5 !== undefined && found !== md5) {
    rmSync(part);
    throw new Error(
      `${url} has the MD5 ${found}; expected ${md5}. The publisher may have changed the file: download it by hand to use it all the same.`,
    );
  }
  renameSync(part, path);
}

class RefusedError extends Error {}

async function fetchRest(url: string, part: string, { onProgress, signal }: DownloadOptions): Promise<void> {
  const have = existsSync(part) ? statSync(part).size : 0;
  const response = await fetch(url, { signal, headers: have > 0 ? { range: `bytes=${have}-` } : {} });
  // The whole file is there already.
  if (response.status === 416 && have > 0) return;
  if (response.status >= 400 && response.status < 500) throw new RefusedError(`the server answered ${response.status}`);
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
  const resumed = response.status === 206;
  let done = resumed ? have : 0;
  const length = Number(response.headers.get("content-length"));
  const total = length > 0 ? done + length : null;
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  body.on("data", (chunk: Buffer) => {
    done += chunk.length;
    onProgress?.({ done, total });
  });
  await pipeline(body, createWriteStream(part, { flags: resumed ? "a" : "w" }), { signal });
  if (total !== null && done !== total) throw new Error(`${done} of ${total} bytes arrived`);
}

/** @file JSON Lines by row number: the file is scanned once for where its lines begin, and a line is read when it is asked for. */

import { open } from "node:fs/promises";
import type { RowSource } from "./row-source.ts";

const NEWLINE = 10;
const SCAN_BYTES = 1 << 20;
/** A line is one conversation, at most with its pictures as data: URLs. */
const LONGEST_LINE = 256 * 2 ** 20;

interface Line {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every((b) => b === 32 || b === 9 || b === 13);

/** Opens a file of one JSON object per line; blank lines are not rows, but count as lines. @throws Error when it cannot be read */
export async function openJsonlRows(path: string): Promise<RowSource> {
  const handle = await open(path, "r");
  try {
    const lines: Line[] = [];
    const chunk = new Uint8Array(SCAN_BYTES);
    let [at, start, number, blank] = [0, 0, 1, true];
    const finish = (end: number) => {
      if (!blank) lines.push({ number, start, end });
      number++;
      start = end + 1;
      blank = true;
    };
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      for (let from = 0; from < bytesRead; ) {
        const newline = chunk.indexOf(NEWLINE, from);
        const to = newline < 0 || newline >= bytesRead ? bytesRead : newline;
        blank &&= isBlank(chunk.subarray(from, to));
        if (to === newline) finish(at + newline);
        from = to + 1;
      }
      at += bytesRead;
    }
    if (at > start) finish(at);
    return {
      path,
      length: lines.length,
      place: (i) => `${path}:${lines[i]!.number}`,
      async row(i) {
        const { start: from, end } = lines[i]!;
        if (end - from > LONGEST_LINE)
          throw new Error(`the line has ${end - from} bytes, at most ${LONGEST_LINE} are read`);
        const bytes = new Uint8Array(end - from);
        await handle.read(bytes, 0, bytes.length, from);
        const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
        try {
          return JSON.parse(text);
        } catch (error) {
          throw new Error(`the line is not JSON: ${(error as Error).message}`, { cause: error });
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @file A text file by line number: it is scanned once for where its lines begin, and a line is read when it is asked for. */
import { type FileHandle, open } from "node:fs/promises";

const NEWLINE = 10;
const SCAN_BYTES = 1 << 20;
/** One row, at most with its pictures as base64. */
const LONGEST_LINE = 256 * 2 ** 20;

interface Line {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** The lines of a file that are not blank. */
export interface Lines {
  readonly length: number;
  /** The number of line `i` in the file, counted from 1 and with the blank ones. */
  number(i: number): number;
  /** @throws Error when the line is not UTF-8, or longer than is read */
  text(i: number): Promise<string>;
  /** All lines in order, in a few large reads. @throws as `text` */
  all(): AsyncGenerator<string>;
  close(): Promise<void>;
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);

/** Where the lines of the file begin and end; line breaks are "\n", what stands before one belongs to the line. */
async function scan(handle: FileHandle): Promise<Line[]> {
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
  return lines;
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  await handle.read(bytes, 0, bytes.length, start);
  return bytes;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error("The line is not UTF-8.", { cause });
  }
}

/**
 * Opens a file by its lines. Memory holds where they are, and nothing of them.
 * @throws Error when the file cannot be read
 * @example const lines = await openLines("data.jsonl"); JSON.parse(await lines.text(0))
 */
export async function openLines(path: string): Promise<Lines> {
  const handle = await open(path, "r");
  let lines: Line[];
  try {
    lines = await scan(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const check = ({ start, end }: Line) => {
    if (end - start > LONGEST_LINE)
      throw new Error(`The line has ${end - start} bytes, at most ${LONGEST_LINE} are read.`);
  };
  return {
    length: lines.length,
    number: (i) => lines[i]!.number,
    async text(i) {
      const line = lines[i]!;
      check(line);
      return decode(await readRange(handle, line.start, line.end));
    },
    async *all() {
      for (let from = 0; from < lines.length; ) {
        const { start } = lines[from]!;
        let to = from + 1;
        while (to < lines.length && lines[to]!.end - start <= SCAN_BYTES) to++;
        check(lines[from]!);
        const bytes = await readRange(handle, start, lines[to - 1]!.end);
        for (; from < to; from++) yield decode(bytes.subarray(lines[from]!.start - start, lines[from]!.end - start));
      }
    },
    close: () => handle.close(),
  };
}

/** @file A file that is being downloaded in ranges, with a log of the bytes it already has, so that a killed download goes on where it was. */
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../common/node.ts";

/** Bytes [start, end). */
export interface Range {
  start: number;
  end: number;
}

/**
 * Our own names instead of `<etag>.incomplete`: Python appends to that file and takes one of full length for finished,
 * while ours has holes until its last range has arrived.
 */
const DATA = ".flashvl.incomplete";
const LOG = ".flashvl.parts";
/** A line of the log that takes back all lines before it. */
const FORGET = "forget";

/**
 * Data file plus log. The log's first line is the size, every further one `start end` of bytes that have been written;
 * a line cut short by a kill is ignored, and its bytes are fetched again.
 * The log may be ahead of the disk after a power cut; the check of the finished file's hash catches that.
 */
export class PartialFile {
  private constructor(
    private readonly target: string,
    readonly size: number,
    private readonly data: FileHandle,
    private readonly log: FileHandle,
    private done: Range[],
  ) {}

  /** Opens what an earlier run left for this target, or begins anew. Only one process may do so at a time. */
  static async open(target: string, size: number): Promise<PartialFile> {
    await makeFolder(dirname(target));
    const done = await readLog(target, size);
    const goOn = done.length > 0;
    if (!goOn) await rm(target + LOG, { force: true });
    const data = await open(target + DATA, goOn ? "r+" : "w+");
    try {
      const log = await open(target + LOG, "a");
      // A kill may have left half a line: end it, so that the next line stands alone.
      await log.write(goOn ? "\n" : `${size}\n`);
      return new PartialFile(target, size, data, log, done);
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  /** How many bytes of `target` an interrupted download left on disk. */
  static async bytesOnDisk(target: string, size: number): Promise<number> {
    return total(await readLog(target, size));
  }

  /** How many bytes are there. */
  get bytes(): number {
    return total(this.done);
  }

  /** The ranges that have still to be fetched, in order, none longer than `longest`. */
  missing(longest: number): Range[] {
    const ranges: Range[] = [];
    let at = 0;
    for (const { start, end } of [...this.done, { start: this.size, end: this.size }]) {
      for (; at < start; at = Math.min(at + longest, start))
        ranges.push({ start: at, end: Math.min(at + longest, start) });
      at = Math.max(at, end);
    }
    return ranges;
  }

  /** Writes bytes at their place; `record` makes them count. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.data.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** Notes that a range has been written. */
  async record(range: Range): Promise<void> {
    if (range.end <= range.start) return;
    await this.log.write(`${range.start} ${range.end}\n`);
    this.done = merge([...this.done, range]);
  }

  /** Forgets everything that was fetched. */
  async reset(): Promise<void> {
    await this.log.write(`${FORGET}\n`);
    await this.data.truncate(0);
    this.done = [];
  }

  /** Feeds the file's bytes to `visit` in order, to check them. */
  async read(visit: (bytes: Uint8Array) => void): Promise<void> {
    const buffer = new Uint8Array(4 * 2 ** 20);
    for (let at = 0; at < this.size; ) {
      const { bytesRead } = await this.data.read(buffer, 0, Math.min(buffer.length, this.size - at), at);
      if (bytesRead === 0) return; // shorter than it should be: the hash will not fit
      visit(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  /** Puts the finished file in its place, on disk before it gets its name. Closes it. */
  async finish(): Promise<void> {
    await this.data.truncate(this.size);
    await this.data.sync();
    await this.close();
    await rename(this.target + DATA, this.target);
    await rm(this.target + LOG, { force: true });
  }

  /** Closes the files and keeps what is there for another run. */
  async close(): Promise<void> {
    await Promise.all([this.data.close(), this.log.close()]);
  }

  /** Removes what is there. Closes it. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.target + LOG, { force: true });
    await rm(this.target + DATA, { force: true });
  }
}

/** Ranges that the log and the data file agree upon; none where either is missing or does not fit. */
async function readLog(target: string, size: number): Promise<Range[]> {
  const text = await readFile(target + LOG, "utf8").catch(() => "");
  const onDisk = await stat(target + DATA).then(
    (info) => info.size,
    () => 0,
  );
  const [first, ...lines] = text.split("\n");
  if (first !== String(size)) return [];
  lines.pop(); // empty, or cut short
  let ranges: Range[] = [];
  for (const line of lines) {
    if (line === FORGET) ranges = [];
    const match = /^(\d{1,15}) (\d{1,15})$/.exec(line);
    if (!match) continue;
    const range = { start: Number(match[1]), end: Number(match[2]) };
    if (range.start < range.end && range.end <= Math.min(size, onDisk)) ranges.push(range);
  }
  return merge(ranges);
}

/** Sorted, without overlaps or touching neighbours. */
function merge(ranges: Range[]): Range[] {
  const merged: Range[] = [];
  for (const { start, end } of ranges.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

function total(ranges: Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

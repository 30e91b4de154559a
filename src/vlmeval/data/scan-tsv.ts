/** @file Finds where the cells of a TSV file end, in one pass over files of any size, by the state machine of pandas' reader. */
import { type FileHandle, open } from "node:fs/promises";

const TAB = 9;
const LF = 10;
const CR = 13;
const QUOTE = 34;
const CHUNK = 4 << 20;

/** Where a record's cells lie in the file, quotes included: cell i is [starts[i], ends[i]). */
export interface RecordPlace {
  starts: number[];
  ends: number[];
}

const AT_START = 0;
const PLAIN = 1;
const QUOTED = 2;
const AFTER_QUOTE = 3;

/**
 * A quote opens a quoted cell only at its start; inside, two quotes are one, line breaks and tabs are text; a quote
 * elsewhere is an ordinary character. Empty lines are skipped. A byte order mark is no part of the first cell.
 *
 * Between chunks others get their turn.
 *
 * @throws if a quoted cell is still open at the end of the file; the signal's reason
 */
export async function scanTsv(path: string, signal?: AbortSignal): Promise<RecordPlace[]> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, size)));
    const records: RecordPlace[] = [];
    let state = AT_START;
    let place = 0;
    let start = await startOfText(file);
    let opened = 0;
    let current: RecordPlace = { starts: [], ends: [] };
    const endCell = (end: number) => {
      current.starts.push(start);
      current.ends.push(end);
      start = end + 1;
      state = AT_START;
    };
    const endRecord = (end: number) => {
      const empty = current.starts.length === 0 && end === start;
      endCell(end);
      if (!empty) records.push(current);
      current = { starts: [], ends: [] };
    };
    place = start;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead: read } = await file.read(buffer, 0, buffer.length, place);
      if (read === 0) break;
      for (let i = 0; i < read; i++) {
        const byte = buffer[i]!;
        if (state === QUOTED) {
          if (byte === QUOTE) state = AFTER_QUOTE;
        } else if (byte === TAB) endCell(place + i);
        else if (byte === LF || byte === CR) endRecord(place + i);
        else if (byte === QUOTE && state === AT_START) {
          state = QUOTED;
          opened = place + i;
        } else if (byte === QUOTE && state === AFTER_QUOTE) state = QUOTED;
        else state = PLAIN;
      }
      place += read;
    }
    if (state === QUOTED) {
      throw new Error(
        `${path}: the quote at byte ${opened} is never closed. The file is cut short or not a VLMEvalKit TSV; download it again.`,
      );
    }
    if (start < size || current.starts.length > 0) endRecord(size);
    return records;
  } finally {
    await file.close();
  }
}

async function startOfText(file: FileHandle): Promise<number> {
  const head = Buffer.alloc(3);
  return (await file.read(head, 0, 3, 0)).bytesRead === 3 && head.equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0;
}

/**
 * The text of a cell from its bytes.
 * @example unquoteCell('"a ""q"""') // 'a "q"'
 */
export function unquoteCell(raw: string): string {
  if (!raw.startsWith('"')) return raw;
  const close = /"(?:"|$)|"/g;
  let out = "";
  let from = 1;
  close.lastIndex = 1;
  for (let match = close.exec(raw); match; match = close.exec(raw)) {
    out += raw.slice(from, match.index);
    if (match[0] !== '""') return out + raw.slice(match.index + 1);
    out += '"';
    from = close.lastIndex;
  }
  return out + raw.slice(from);
}

/** @file Progress on stderr: a bar for people, and where stderr is a file or a pipe a line now and then for logs. */
import { formatBytes, formatDuration } from "./format.ts";

/** What a bar shows. */
export interface ProgressState {
  label: string;
  done: number;
  total: number;
  /** Bytes come with sizes and a rate, steps as "2/3". */
  unit: "bytes" | "steps";
  /** Said after the numbers. */
  note?: string;
}

/** Redrawing more often costs time and cannot be seen. */
const REDRAW_MS = 100;
const BAR_WIDTH = 24;
/** Without a terminal, a line so often: what is over sooner needs none. */
const LINE_MS = 10_000;
const LOG_COLUMNS = 100;

/** One line of text for a state; `seconds` and `gained` are the time and amount since the bar began. */
export function progressLine(state: ProgressState, seconds: number, gained: number, columns: number): string {
  const { label, done, total, unit } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.round(share * BAR_WIDTH);
  const bar = `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}]`;
  const parts = [label, bar, `${Math.floor(share * 100)}%`.padStart(4)];
  if (unit === "steps") parts.push(`${done}/${total}`);
  else {
    parts.push(`${formatBytes(done)} of ${formatBytes(total)}`);
    // In the first second a rate says little.
    if (seconds >= 1 && gained > 0) {
      const rate = gained / seconds;
      parts.push(`${formatBytes(rate)}/s`, formatDuration((total - done) / rate));
    }
  }
  if (state.note) parts.push(state.note);
  return parts.join("  ").slice(0, Math.max(1, columns - 1));
}

/** Draws states over each other on one line; a new label begins a new line. Without a terminal it writes whole lines, seldom. */
export class ProgressBar {
  private label: string | undefined;
  private began = { at: 0, done: 0 };
  private drawnAt = -Infinity;

  constructor(
    private readonly stream: Pick<NodeJS.WriteStream, "isTTY" | "columns" | "write"> = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  update(state: ProgressState): void {
    const now = this.now();
    const terminal = this.stream.isTTY;
    if (state.label !== this.label) {
      this.end();
      this.label = state.label;
      this.began = { at: now, done: state.done };
      if (!terminal) this.drawnAt = now;
    }
    const waits = terminal ? now - this.drawnAt < REDRAW_MS && state.done < state.total : now - this.drawnAt < LINE_MS;
    if (waits) return;
    this.drawnAt = now;
    const line = progressLine(
      state,
      (now - this.began.at) / 1000,
      state.done - this.began.done,
      this.stream.columns || LOG_COLUMNS,
    );
    this.stream.write(terminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  /** Leaves the last state standing and goes to the next line. */
  end(): void {
    if (this.label !== undefined && this.stream.isTTY) this.stream.write("\n");
    this.label = undefined;
    this.drawnAt = -Infinity;
  }
}

/** @file Finds stop strings in text that arrives in pieces, and holds back what could still become one. */

/** What may be shown after a piece has arrived. */
export interface Matched {
  text: string;
  /** Whether a stop string was found; `text` ends before it. */
  stopped: boolean;
  /** The one that was found. */
  stop?: string;
}

/**
 * Text passes through unless it is, or could be, the beginning of a stop string.
 * @example
 * const stops = new StopMatcher(["END"]);
 * stops.push("the E"); // { text: "the ", stopped: false }
 * stops.push("ND!"); // { text: "", stopped: true, stop: "END" }
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";

  /** @param stops what `checkedStops` let through */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(piece: string): Matched {
    const text = this.#held + piece;
    this.#held = "";
    let found: { at: number; stop: string } | undefined;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (!found || at < found.at)) found = { at, stop };
    }
    if (found) return { text: text.slice(0, found.at), stopped: true, stop: found.stop };
    const keep = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** What is held back when no more text comes. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** @throws TypeError for anything but strings with at least one character */
export function checkedStops(stops: readonly string[]): readonly string[] {
  for (const stop of stops) {
    if (typeof stop !== "string" || stop === "")
      throw new TypeError(`stop strings must have at least one character; found ${JSON.stringify(stop)}.`);
  }
  return stops;
}

/** Length of the longest proper beginning of `stop` that `text` ends with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

/** @file A grammar over bytes as a network of states: byte edges, jumps, and calls of rules that may call themselves. */
import { SchemaError } from "../schema-error.ts";

/** A state's number. */
export type State = number;

/** Where every rule ends: its caller goes on. */
export const RETURN: State = 0;

/** More states than this take noticeable time to build; a schema that a person wrote has some hundreds. */
export const MAX_STATES = 40_000;

/** A grammar that needs more states than it may have. */
export class TooManyStates extends SchemaError {
  constructor(most: number) {
    super(
      `The schema is too complex: it needs more than ${most} states. Lower its maxLength, maxItems and the counts in its patterns.`,
    );
  }
}

/** A rule that a state calls, and the state to go on from when the rule has returned. */
export interface Call {
  rule: number;
  back: State;
}

/**
 * Built back to front: each part is given the state that comes after it and returns the state at which it begins.
 *
 * @example
 * const network = new Network();
 * const start = network.text("[", network.choice([network.text("1", close), network.text("2", close)]));
 */
export class Network {
  /** By state: triples (least byte, largest byte, next state). */
  readonly edges: number[][] = [[]];
  /** By state: states that it may go on as without a byte. */
  readonly jumps: State[][] = [[]];
  readonly calls: (Call | undefined)[] = [undefined];
  /** First state of each rule. */
  readonly rules: State[] = [];
  readonly #encoder = new TextEncoder();
  readonly #mostStates: number;

  constructor(mostStates = MAX_STATES) {
    this.#mostStates = mostStates;
  }

  get size(): number {
    return this.edges.length;
  }

  /** A state without a way out; ways are added to it later (loops). @throws SchemaError when there are too many */
  state(): State {
    if (this.edges.length >= this.#mostStates) throw new TooManyStates(this.#mostStates);
    this.jumps.push([]);
    this.calls.push(undefined);
    return this.edges.push([]) - 1;
  }

  /** One byte of a range. */
  bytes(least: number, largest: number, next: State): State {
    const state = this.state();
    this.edges[state]!.push(least, largest, next);
    return state;
  }

  /** Exactly this text, in UTF-8. */
  text(text: string, next: State): State {
    return this.#encoder.encode(text).reduceRight((after, byte) => this.bytes(byte, byte, after), next);
  }

  /** Any of several beginnings; none of them means that there is no way on. */
  choice(starts: readonly State[]): State {
    if (starts.length === 1) return starts[0]!;
    const state = this.state();
    this.jumps[state]!.push(...starts);
    return state;
  }

  /** A part between `least` and `most` times; undefined for any number of times. */
  repeat(part: (next: State) => State, least: number, most: number | undefined, next: State): State {
    let start = next;
    if (most === undefined) {
      start = this.state();
      this.jumps[start]!.push(part(start), next);
    } else {
      for (let count = most; count > least; count -= 1) start = this.choice([part(start), next]);
    }
    for (let count = 0; count < least; count += 1) start = part(start);
    return start;
  }

  /** Reserves a rule, whose start may be set after it has been called. */
  rule(): number {
    return this.rules.push(-1) - 1;
  }

  call(rule: number, next: State): State {
    const state = this.state();
    this.calls[state] = { rule, back: next };
    return state;
  }

  /**
   * By state, whether a complete text can be reached from it. Ways to others are dead ends, which an answer must not enter.
   */
  productive(): boolean[] {
    const before: State[][] = this.edges.map(() => []);
    for (const [state, edges] of this.edges.entries()) {
      for (let at = 2; at < edges.length; at += 3) before[edges[at]!]!.push(state);
      for (const target of this.jumps[state]!) before[target]!.push(state);
      const call = this.calls[state];
      if (!call) continue;
      before[call.back]!.push(state);
      before[this.rules[call.rule]!]!.push(state);
    }
    const ends = this.edges.map(() => false);
    ends[RETURN] = true;
    const open = [RETURN];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (const earlier of before[state]!) {
        if (ends[earlier]) continue;
        const call = this.calls[earlier];
        if (call && !(ends[call.back] && ends[this.rules[call.rule]!])) continue;
        ends[earlier] = true;
        open.push(earlier);
      }
    }
    return ends;
  }
}

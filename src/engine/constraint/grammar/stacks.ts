/** @file Where a text stands in a grammar: sets of call stacks, shared and numbered, with their steps remembered. */
import { SchemaError } from "../schema-error.ts";
import { type Network, RETURN, type State } from "./network.ts";

/** A grammar ready for use. */
export interface Grammar {
  network: Network;
  start: State;
  /** By state, whether a complete text can be reached from it. */
  productive: readonly boolean[];
}

/** All places at which a text may stand. The same places are the same object. */
export interface Position {
  /** Stacks whose top state takes a byte. */
  readonly stacks: readonly number[];
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** Whether the rule at which a search began may have ended here ({@link Stacks.within}). */
  readonly leaves: boolean;
  /** By byte, the number of the next position; -1 where it has not been looked for. */
  next: Int32Array | undefined;
}

/** Bottoms of stacks: the end of the text, and the end of the rule that a search keeps within. */
const TEXT_END = 0;
const RULE_END = 1;

/** More states than a network has. */
const STATES = 2 ** 20;

/** Positions kept before all are forgotten; each has up to 1 KB. */
const MOST_POSITIONS = 8192;
/** More than this for a single token, and the grammar is too ambiguous to be followed. */
const TOO_MANY_POSITIONS = 65_536;

/** The place that no text leads to. */
export const NOWHERE = 0;

/** Positions of one grammar, made as they are reached. */
export class Stacks {
  readonly #grammar: Grammar;
  /** By stack: its top state and the stack below. */
  #tops: State[] = [];
  #belows: number[] = [];
  #stackIds = new Map<number, number>();
  #positions: Position[] = [];
  #positionIds = new Map<string, number>();

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    this.#clear();
  }

  #clear(): void {
    this.#tops = [RETURN, RETURN];
    this.#belows = [-1, -1];
    this.#stackIds.clear();
    this.#positions = [];
    this.#positionIds.clear();
    this.#position([]);
  }

  /** The position before the first byte. */
  start(): number {
    return this.#position([this.#stack(this.#grammar.start, TEXT_END)]);
  }

  /** A position that knows only the rule of `state`: what follows the rule's end is not looked at. */
  within(state: State): number {
    return this.#position([this.#stack(state, RULE_END)]);
  }

  /** The position of the caller, once the rule on top of a stack has returned; NOWHERE at the end of the text. */
  below(stack: number): number {
    const below = this.#belows[stack]!;
    return below === TEXT_END ? NOWHERE : this.#position([below]);
  }

  top(stack: number): State {
    return this.#tops[stack]!;
  }

  at(position: number): Position {
    return this.#positions[position]!;
  }

  /** The position after a byte; {@link NOWHERE} when the grammar has no such text. */
  step(position: number, byte: number): number {
    const from = this.#positions[position]!;
    from.next ??= new Int32Array(256).fill(-1);
    const known = from.next[byte]!;
    if (known >= 0) return known;
    const reached: number[] = [];
    for (const stack of from.stacks) {
      const edges = this.#grammar.network.edges[this.#tops[stack]!]!;
      for (let at = 0; at < edges.length; at += 3) {
        if (edges[at]! <= byte && byte <= edges[at + 1]! && this.#grammar.productive[edges[at + 2]!])
          reached.push(this.#stack(edges[at + 2]!, this.#belows[stack]!));
      }
    }
    const next = this.#position(reached);
    from.next[byte] = next;
    return next;
  }

  /** Forgets everything but one position where too much has been collected; returns that position's new number. */
  compact(position: number): number {
    if (this.#positions.length < MOST_POSITIONS) return position;
    const [tops, belows] = [this.#tops, this.#belows];
    const { stacks, complete } = this.#positions[position]!;
    this.#clear();
    const copied = new Map([[TEXT_END, TEXT_END]]);
    const copy = (stack: number): number => {
      const chain: number[] = [];
      for (let at = stack; !copied.has(at); at = belows[at]!) chain.push(at);
      for (const at of chain.reverse()) copied.set(at, this.#stack(tops[at]!, copied.get(belows[at]!)!));
      return copied.get(stack)!;
    };
    const kept = stacks.map(copy);
    if (complete) kept.push(TEXT_END);
    return this.#position(kept);
  }

  #stack(top: State, below: number): number {
    const key = below * STATES + top;
    const known = this.#stackIds.get(key);
    if (known !== undefined) return known;
    const id = this.#tops.push(top) - 1;
    this.#belows.push(below);
    this.#stackIds.set(key, id);
    return id;
  }

  /** The position of stacks and of all that can be reached from them without a byte. */
  #position(from: readonly number[]): number {
    const { edges, jumps, calls, rules } = this.#grammar.network;
    const { productive } = this.#grammar;
    const seen = new Set(from);
    const open = [...from];
    const stacks: number[] = [];
    let [complete, leaves] = [false, false];
    const reach = (stack: number) => {
      if (seen.has(stack)) return;
      seen.add(stack);
      open.push(stack);
    };
    for (let stack = open.pop(); stack !== undefined; stack = open.pop()) {
      if (stack === TEXT_END) complete = true;
      else if (stack === RULE_END) leaves = true;
      if (stack <= RULE_END) continue;
      const [top, below] = [this.#tops[stack]!, this.#belows[stack]!];
      if (top === RETURN) {
        reach(below);
        continue;
      }
      if (edges[top]!.length > 0) stacks.push(stack);
      for (const target of jumps[top]!) if (productive[target]) reach(this.#stack(target, below));
      const call = calls[top];
      // What would only return again is left out, so that a long list makes no tall stack.
      if (call && productive[top])
        reach(this.#stack(rules[call.rule]!, call.back === RETURN ? below : this.#stack(call.back, below)));
    }
    stacks.sort((a, b) => a - b);
    const key = `${complete ? "c" : ""}${leaves ? "l" : ""}${stacks.join(",")}`;
    const known = this.#positionIds.get(key);
    if (known !== undefined) return known;
    if (this.#positions.length >= TOO_MANY_POSITIONS)
      throw new SchemaError(
        "The schema is too ambiguous: its alternatives and patterns fit the same text in too many ways. Simplify them.",
      );
    const id = this.#positions.push({ stacks, complete, leaves, next: undefined }) - 1;
    this.#positionIds.set(key, id);
    return id;
  }
}

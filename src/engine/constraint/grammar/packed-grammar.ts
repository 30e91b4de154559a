/** @file A compiled grammar as a few arrays of numbers, which travel between threads without being copied. */
import { Network, type State } from "./network.ts";
import type { Grammar } from "./stacks.ts";

/** The lists of all states one after the other; `…Ends` says where each state's list ends. */
export interface PackedGrammar {
  start: State;
  edges: Int32Array<ArrayBuffer>;
  edgeEnds: Int32Array<ArrayBuffer>;
  jumps: Int32Array<ArrayBuffer>;
  jumpEnds: Int32Array<ArrayBuffer>;
  /** Triples of state, rule and the state to go on from. */
  calls: Int32Array<ArrayBuffer>;
  rules: Int32Array<ArrayBuffer>;
  productive: Uint8Array<ArrayBuffer>;
}

/** States that are unpacked between two breaks. */
const STATES_BETWEEN_BREAKS = 512;

/** @example thread.postMessage(packGrammar(compileStructure({ json: schema }))); */
export function packGrammar({ network, start, productive }: Grammar): PackedGrammar {
  const { edges, jumps, calls, rules } = network;
  const [edgeEnds, jumpEnds] = [ends(edges), ends(jumps)];
  return {
    start,
    edges: Int32Array.from(edges.flat()),
    edgeEnds,
    jumps: Int32Array.from(jumps.flat()),
    jumpEnds,
    calls: Int32Array.from(calls.flatMap((call, state) => (call ? [state, call.rule, call.back] : []))),
    rules: Int32Array.from(rules),
    productive: Uint8Array.from(productive, Number),
  };
}

/** Memory of a packed grammar, to be handed over. */
export const buffersOf = (packed: PackedGrammar): ArrayBuffer[] =>
  Object.values(packed).flatMap((part) => (ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : []));

function ends(lists: readonly (readonly number[])[]): Int32Array<ArrayBuffer> {
  let end = 0;
  return Int32Array.from(lists, ({ length }) => {
    end += length;
    return end;
  });
}

/** The grammar, in steps between which other work may be done. */
export function* unpackGrammar(packed: PackedGrammar): Generator<void, Grammar> {
  const network = new Network();
  const { start, edges, edgeEnds, jumps, jumpEnds, calls } = packed;
  network.rules.push(...packed.rules);
  for (let state = 0; state < edgeEnds.length; state += 1) {
    if (state % STATES_BETWEEN_BREAKS === 0) yield;
    network.edges[state] = Array.from(edges.subarray(state === 0 ? 0 : edgeEnds[state - 1]!, edgeEnds[state]!));
    network.jumps[state] = Array.from(jumps.subarray(state === 0 ? 0 : jumpEnds[state - 1]!, jumpEnds[state]!));
    network.calls[state] = undefined;
  }
  for (let at = 0; at < calls.length; at += 3) {
    if (at % STATES_BETWEEN_BREAKS === 0) yield;
    network.calls[calls[at]!] = { rule: calls[at + 1]!, back: calls[at + 2]! };
  }
  return { network, start, productive: Array.from(packed.productive, Boolean) };
}

/** @file Which tokens may come next at a position of a grammar, as one bit per token. */
import type { State } from "./network.ts";
import { NOWHERE, type Stacks } from "./stacks.ts";
import type { TokenTrie } from "./token-trie.ts";

/** What is known of a state whatever has called its rule. */
export interface Local {
  /** Tokens that the rule lets through, at least up to its end. */
  mask: Int32Array;
  /** Nodes of the tree at which the rule may have ended: what follows is up to its caller. */
  exits: number[];
}

/** States of one grammar whose tokens are kept, about 20 KB each for 151,936 tokens. */
const MOST_LOCALS = 128;

/** With more places at once than this, one walk from all of them costs less than one from each. */
const FEW_STACKS = 4;

/** Steps of single stacks between two breaks: some hundred microseconds of work. A node takes a step of each stack there. */
const STEPS_BETWEEN_BREAKS = 256;

/** Tokens of states, kept for all answers of one grammar; those of the rules that all grammars have, for all grammars. */
export class LocalMasks {
  readonly #own = new Map<State, Local>();
  readonly #common: Map<State, Local>;
  readonly #commonStates: number;

  /** @param commonStates states below this are the same in every grammar that shares `common` */
  constructor(common: Map<State, Local> = new Map(), commonStates = 0) {
    this.#common = common;
    this.#commonStates = commonStates;
  }

  get(state: State): Local | undefined {
    const masks = this.#of(state);
    const local = masks.get(state);
    // Used last, forgotten last.
    if (local && masks.delete(state)) masks.set(state, local);
    return local;
  }

  set(state: State, local: Local): void {
    const masks = this.#of(state);
    if (masks.size >= MOST_LOCALS) masks.delete(masks.keys().next().value!);
    masks.set(state, local);
  }

  #of(state: State): Map<State, Local> {
    return state < this.#commonStates ? this.#common : this.#own;
  }
}

/**
 * Computes the mask of a position. A generator, so that other work may be done at its breaks.
 *
 * @returns [trie.words], without end tokens
 */
export function* maskOf(
  position: number,
  stacks: Stacks,
  trie: TokenTrie,
  locals: LocalMasks,
): Generator<void, Int32Array> {
  const mask = new Int32Array(trie.words);
  const here = stacks.at(position).stacks;
  if (here.length > FEW_STACKS) {
    yield* walk(position, 0, stacks, trie, mask);
    return mask;
  }
  for (const stack of here) {
    const local = yield* localOf(stacks.top(stack), stacks, trie, locals);
    for (let word = 0; word < mask.length; word += 1) mask[word]! |= local.mask[word]!;
    if (local.exits.length === 0) continue;
    const below = stacks.below(stack);
    if (below === NOWHERE) continue;
    for (const node of local.exits) {
      yield;
      yield* walk(below, node, stacks, trie, mask);
    }
  }
  return mask;
}

function* localOf(state: State, stacks: Stacks, trie: TokenTrie, locals: LocalMasks): Generator<void, Local> {
  const known = locals.get(state);
  if (known) return known;
  const local: Local = { mask: new Int32Array(trie.words), exits: [] };
  yield* walk(stacks.within(state), 0, stacks, trie, local.mask, local.exits);
  locals.set(state, local);
  return local;
}

/** Visits the nodes below `root` as far as the grammar lets their bytes through, and sets the bits of their tokens. */
function* walk(
  position: number,
  root: number,
  stacks: Stacks,
  { bytes, depths, ends, firsts, tokens }: TokenTrie,
  mask: Int32Array,
  exits?: number[],
): Generator<void, void> {
  /** Positions on the way to a node, by depth. */
  const path: number[] = [];
  path[depths[root]!] = position;
  const end = ends[root]!;
  let steps = 0;
  for (let node = root + 1; node < end; ) {
    const depth = depths[node]!;
    const from = path[depth - 1]!;
    steps += stacks.at(from).stacks.length + 4;
    if (steps >= STEPS_BETWEEN_BREAKS) {
      steps = 0;
      yield;
    }
    const reached = stacks.step(from, bytes[node]!);
    if (reached === NOWHERE) {
      node = ends[node]!;
      continue;
    }
    path[depth] = reached;
    for (let at = firsts[node]!; at < firsts[node + 1]!; at += 1) {
      const token = tokens[at]!;
      mask[token >>> 5]! |= 1 << (token & 31);
    }
    const place = stacks.at(reached);
    if (exits && place.leaves) exits.push(node);
    node = place.stacks.length > 0 ? node + 1 : ends[node]!;
  }
}

/** @file A vocabulary as a tree of bytes, in the order of a walk: a grammar visits only the branches that it lets through. */

/** A tree of tokens, node 0 being the empty text; the nodes below a node follow it directly. */
export interface TokenTrie {
  /** By node: its byte. */
  bytes: Uint8Array;
  /** By node: how many bytes lead to it. */
  depths: Uint16Array;
  /** By node: the first node that is not below it. */
  ends: Uint32Array;
  /** By node: where its tokens begin in `tokens`; they end where the next node's begin. */
  firsts: Uint32Array;
  tokens: Uint32Array;
  /** Words of a mask with one bit per token. */
  words: number;
}

/** Tokens that are worked on between two breaks: about a millisecond of work. */
const TOKENS_BETWEEN_BREAKS = 2000;

/**
 * Builds the tree. A generator, so that other work may be done at its breaks.
 * Tokens without bytes (control tokens, gaps) are in no branch: no text is made of them.
 *
 * @param bytesOf a token's bytes, by id
 */
export function* tokenTrie(size: number, bytesOf: (id: number) => Uint8Array): Generator<void, TokenTrie> {
  /** Texts as strings of bytes, which the engine compares fastest, by their first two bytes. */
  const groups: Map<number, { id: number; text: string }[]> = new Map();
  for (let id = 0; id < size; id += 1) {
    if (id % TOKENS_BETWEEN_BREAKS === 0) yield;
    const bytes = bytesOf(id);
    if (bytes.length === 0) continue;
    const group = bytes[0]! * 256 + (bytes[1] ?? 0);
    const entry = { id, text: String.fromCharCode(...bytes) };
    const others = groups.get(group);
    if (others) others.push(entry);
    else groups.set(group, [entry]);
  }
  const bytes: number[] = [0];
  const depths: number[] = [0];
  const firsts: number[] = [0];
  const ends: number[] = [0];
  /** Nodes from the root to the last one. */
  const path: number[] = [0];
  const tokens: number[] = [];
  let last = "";
  let sinceBreak = 0;
  for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
    group.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id));
    sinceBreak += group.length;
    for (const { id, text } of group) {
      let shared = 0;
      while (shared < last.length && shared < text.length && last.charCodeAt(shared) === text.charCodeAt(shared))
        shared += 1;
      while (path.length > shared + 1) ends[path.pop()!] = bytes.length;
      for (let at = shared; at < text.length; at += 1) {
        path.push(bytes.push(text.charCodeAt(at)) - 1);
        depths.push(at + 1);
        firsts.push(tokens.length);
        ends.push(0);
      }
      tokens.push(id);
      last = text;
    }
    if (sinceBreak < TOKENS_BETWEEN_BREAKS) continue;
    sinceBreak = 0;
    yield;
  }
  while (path.length > 0) ends[path.pop()!] = bytes.length;
  firsts.push(tokens.length);
  return {
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    ends: Uint32Array.from(ends),
    firsts: Uint32Array.from(firsts),
    tokens: Uint32Array.from(tokens),
    words: Math.ceil(size / 32),
  };
}

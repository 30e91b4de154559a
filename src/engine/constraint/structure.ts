/** @file What an answer may look like: JSON, or fixed words, free text and JSON one after the other, as calls of tools are. */
import type { JsonSchema } from "./check-schema.ts";
import { type CodePoints, character, complement } from "./grammar/code-points.ts";
import { assertProductive, JsonGrammar } from "./grammar/json-grammar.ts";
import { addJsonRules, type JsonRules } from "./grammar/json-text.ts";
import { Network, RETURN, type State } from "./grammar/network.ts";
import type { Grammar } from "./grammar/stacks.ts";
import { SchemaError } from "./schema-error.ts";
import { type SchemaInput, toJsonSchema } from "./to-json-schema.ts";

/**
 * The form of an answer.
 *
 * @example
 * const call: Structure = { sequence: ["<call>", { json: { type: "object" } }, "</call>"] };
 */
export type Structure =
  /** These words exactly. */
  | string
  | { json: SchemaInput }
  | { sequence: readonly Structure[] }
  | { choice: readonly Structure[] }
  /** One or more times, with words between. */
  | { list: Structure; separator: string }
  /** Anything up to and with the first of these words. */
  | { until: string };

/** How many states the rules have with which every grammar begins. */
export const COMMON_STATES = (() => {
  const network = new Network();
  addJsonRules(network);
  return network.size;
})();

/**
 * Compiles a structure.
 *
 * @param mostStates more are refused
 * @throws SchemaError for what cannot be enforced; TooManyStates
 */
export function compileStructure(structure: Structure, mostStates?: number): Grammar {
  const network = new Network(mostStates);
  const json = addJsonRules(network);
  try {
    const start = new StructureBuilder(network, json, structure).build(structure, RETURN);
    return { network, start, productive: assertProductive(network, start) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // The stack is full: each reference is compiled inside the one that names it first.
    throw new SchemaError("The schema is too complex: its references lead on through too many definitions.", { cause });
  }
}

/** Builds the states of one structure. A schema that stands in it several times is a rule, which takes its states once. */
class StructureBuilder {
  readonly #network: Network;
  readonly #json: JsonRules;
  /** By the text of a schema that stands several times: its rule, once it has one. */
  readonly #rules = new Map<string, number | undefined>();

  constructor(network: Network, json: JsonRules, structure: Structure) {
    this.#network = network;
    this.#json = json;
    const seen = new Set<string>();
    for (const schema of schemasIn(structure)) {
      const text = JSON.stringify(schema);
      if (seen.has(text)) this.#rules.set(text, undefined);
      seen.add(text);
    }
  }

  build(structure: Structure, next: State): State {
    const network = this.#network;
    if (typeof structure === "string") return network.text(structure, next);
    if ("json" in structure) return this.#value(toJsonSchema(structure.json), next);
    if ("sequence" in structure) return structure.sequence.reduceRight((after, part) => this.build(part, after), next);
    if ("choice" in structure) return network.choice(structure.choice.map((part) => this.build(part, next)));
    if ("until" in structure) return until(network, structure.until, next);
    const again = network.state();
    const item = this.build(structure.list, again);
    network.jumps[again]!.push(network.text(structure.separator, item), next);
    return item;
  }

  #value(schema: JsonSchema, next: State): State {
    const network = this.#network;
    const write = (after: State) => new JsonGrammar(network, this.#json, schema).value(after);
    if (this.#rules.size === 0) return write(next);
    const text = JSON.stringify(schema);
    if (!this.#rules.has(text)) return write(next);
    let rule = this.#rules.get(text);
    if (rule === undefined) {
      rule = network.rule();
      this.#rules.set(text, rule);
      network.rules[rule] = write(RETURN);
    }
    return network.call(rule, next);
  }
}

function schemasIn(structure: Structure): JsonSchema[] {
  if (typeof structure === "string" || "until" in structure) return [];
  if ("json" in structure) return [toJsonSchema(structure.json)];
  if ("list" in structure) return schemasIn(structure.list);
  return ("sequence" in structure ? structure.sequence : structure.choice).flatMap(schemasIn);
}

/** Knuth, Morris and Pratt's automaton: a state for each part of the words that the text ends in. */
function until(network: Network, words: string, next: State): State {
  const bytes = new TextEncoder().encode(words);
  const states = [...bytes].map(() => network.state());
  const matched = (seen: number, byte: number): number => {
    const text = [...bytes.subarray(0, seen), byte];
    let length = Math.min(text.length, bytes.length);
    while (length > 0 && !text.slice(-length).every((value, at) => value === bytes[at])) length -= 1;
    return length;
  };
  const others: CodePoints = complement([[0, 0x7f]]);
  for (const [seen, state] of states.entries()) {
    // The words are ASCII, so a character of several bytes begins anew.
    network.jumps[state]!.push(character(network, others, states[0]!));
    for (let byte = 0; byte < 0x80; byte += 1) {
      const length = matched(seen, byte);
      network.edges[state]!.push(byte, byte, length === bytes.length ? next : states[length]!);
    }
  }
  return states[0]!;
}

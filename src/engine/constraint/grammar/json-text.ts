/** @file The parts that all JSON is made of: separators, characters inside strings, and rules for strings and any value. */
import { type CodePoints, character, complement, intersect } from "./code-points.ts";
import type { Network, State } from "./network.ts";
import { RETURN } from "./network.ts";

/** Characters that stand for themselves inside a JSON string. */
const PLAIN = complement([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const SHORT_ESCAPES = new Map(
  Object.entries({ '"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t" }),
);

/** A separator and the one space that may follow it; more white space is a model that has lost its way. */
export function separator(network: Network, sign: "," | ":", next: State): State {
  return network.text(sign, network.choice([next, network.text(" ", next)]));
}

/** One character of a set as it is written inside a string: as itself, or by its escape where it needs one. */
export function stringCharacter(network: Network, set: CodePoints, next: State): State {
  const start = character(network, intersect(set, PLAIN), next);
  const escaped: State[] = [];
  for (let code = 0; code <= 0x5c; code += code === 0x1f ? 3 : 1) {
    if (code > 0x22 && code < 0x5c) continue;
    if (!set.some(([least, largest]) => least <= code && code <= largest)) continue;
    const short = SHORT_ESCAPES.get(String.fromCharCode(code));
    escaped.push(network.text(short ? `\\${short}` : `\\u${code.toString(16).padStart(4, "0")}`, next));
  }
  network.jumps[start]!.push(...escaped);
  return start;
}

/** Rules that every grammar has, under the same numbers and with the same states. */
export interface JsonRules {
  /** A string with its quotes. */
  string: number;
  /** A string without its opening quote. */
  bodyRule: number;
  value: number;
  object: number;
}

/** Adds the rules to an empty network. */
export function addJsonRules(network: Network): JsonRules {
  const [string, bodyRule, value, object] = [network.rule(), network.rule(), network.rule(), network.rule()];
  const body = network.state();
  network.edges[body]!.push(0x22, 0x22, RETURN);
  network.jumps[body]!.push(character(network, PLAIN, body), network.text("\\", escapes(network, body)));
  network.rules[bodyRule] = body;
  network.rules[string] = network.text('"', body);

  const list = (open: string, item: (next: State) => State, close: string): State => {
    const end = network.text(close, RETURN);
    const more = network.state();
    network.jumps[more]!.push(end, separator(network, ",", item(more)));
    return network.text(open, network.choice([end, item(more)]));
  };
  const anyValue = (next: State) => network.call(value, next);
  const pair = (next: State) => network.call(string, separator(network, ":", anyValue(next)));
  network.rules[object] = list("{", pair, "}");
  network.rules[value] = network.choice([
    network.call(string, RETURN),
    network.call(object, RETURN),
    list("[", anyValue, "]"),
    number(network, RETURN),
    ...["true", "false", "null"].map((word) => network.text(word, RETURN)),
  ]);
  return { string, bodyRule, value, object };
}

/** What may follow a backslash. An escaped surrogate would be half a character. */
function escapes(network: Network, next: State): State {
  const hex = (ranges: string, after: State): State => {
    const state = network.state();
    for (const [least, largest] of ranges.split(" "))
      network.edges[state]!.push(least!.charCodeAt(0), largest!.charCodeAt(0), after);
    return state;
  };
  const all = "09 af AF";
  const last = hex(all, hex(all, next));
  const unicode = network.choice([hex("09 ac ef AC EF", hex(all, last)), hex("dd DD", hex("07", last))]);
  return network.choice([...[...'"\\/bfnrt'].map((sign) => network.text(sign, next)), network.text("u", unicode)]);
}

/** Digits of a number without bounds: more are a model that has lost its way. */
const MOST_DIGITS = 20;

/** Any number, or any whole number. */
export function number(network: Network, next: State, whole = false): State {
  const digit = (after: State) => network.bytes(0x30, 0x39, after);
  const digits = (most: number, after: State) => network.repeat(digit, 1, most, after);
  let end = next;
  if (!whole) {
    const sign = (after: State) => network.choice([after, network.text("+", after), network.text("-", after)]);
    const exponent = sign(digits(2, next));
    end = network.choice([next, network.text("e", exponent), network.text("E", exponent)]);
    end = network.choice([end, network.text(".", digits(MOST_DIGITS, end))]);
  }
  const natural = network.choice([
    network.text("0", end),
    network.bytes(0x31, 0x39, network.repeat(digit, 0, MOST_DIGITS - 1, end)),
  ]);
  return network.choice([natural, network.text("-", natural)]);
}

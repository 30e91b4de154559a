/** @file Regular expressions of JSON schemas (ECMAScript's, without what needs memory or looks around) as trees. */
import { SchemaError } from "../schema-error.ts";
import { type CodePoints, codePoints, complement } from "./code-points.ts";

/** A pattern's tree. */
export type Pattern =
  | { type: "set"; set: CodePoints }
  | { type: "sequence"; parts: Pattern[] }
  | { type: "choice"; parts: Pattern[] }
  | { type: "repeat"; part: Pattern; least: number; most: number | undefined }
  | { type: "start" }
  | { type: "end" };

/** Deeper patterns are not written by people. */
const MAX_DEPTH = 64;

const range = (text: string): CodePoints => {
  const ends = [...text].map((sign) => sign.codePointAt(0)!);
  return codePoints(ends.flatMap((least, at) => (at % 2 === 0 ? [[least, ends[at + 1]!] as const] : [])));
};
const DIGIT = range("09");
const WORD = range("09AZaz__");
const SPACE = range(
  "\t\r  \u00a0\u00a0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff",
);
const NOT_DOT = range("\n\n\r\r\u2028\u2029");
const CLASSES = new Map<string, CodePoints>([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
]);
const CONTROLS = new Map(Object.entries({ n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", 0: "\0" }));

/**
 * Reads a pattern. As everywhere in structured output it stands for whole strings, with or without ^ and $.
 * @throws SchemaError that names what cannot be enforced
 */
export function parsePattern(source: string): Pattern {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  readonly #signs: string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#signs = [...source];
  }

  parse(): Pattern {
    const tree = this.#choice();
    if (this.#at < this.#signs.length) this.#fail("has a ) without its (");
    return atEnds(tree, true, true) ?? this.#fail("has ^ or $ elsewhere than at its ends");
  }

  #fail(problem: string): never {
    const shown = JSON.stringify(this.#source.length > 60 ? `${this.#source.slice(0, 60)}…` : this.#source);
    throw new SchemaError(`The pattern ${shown} ${problem}, which cannot be enforced. Write it without.`);
  }

  get #next(): string | undefined {
    return this.#signs[this.#at];
  }

  #take(sign: string): boolean {
    if (this.#next !== sign) return false;
    this.#at += 1;
    return true;
  }

  #choice(): Pattern {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.#fail(`has more than ${MAX_DEPTH} groups in each other`);
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    this.#depth -= 1;
    return parts.length === 1 ? parts[0]! : { type: "choice", parts };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    while (this.#next !== undefined && this.#next !== "|" && this.#next !== ")") parts.push(this.#repeated());
    return parts.length === 1 ? parts[0]! : { type: "sequence", parts };
  }

  #repeated(): Pattern {
    let part = this.#atom();
    for (let counts = this.#counts(); counts; counts = this.#counts()) {
      if (part.type === "start" || part.type === "end") this.#fail("repeats ^ or $");
      part = { type: "repeat", part, ...counts };
      this.#take("?"); // a lazy repetition lets the same texts through
    }
    return part;
  }

  #counts(): { least: number; most: number | undefined } | undefined {
    if (this.#take("*")) return { least: 0, most: undefined };
    if (this.#take("+")) return { least: 1, most: undefined };
    if (this.#take("?")) return { least: 0, most: 1 };
    const counts = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#signs.slice(this.#at, this.#at + 16).join(""));
    if (!counts) return undefined;
    this.#at += counts[0].length;
    const least = Number(counts[1]);
    const most = counts[2] === undefined ? least : counts[3] === "" ? undefined : Number(counts[3]);
    if (most !== undefined && most < least) this.#fail("counts down");
    return { least, most };
  }

  #atom(): Pattern {
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return { type: "set", set: this.#class() };
    if (this.#take(".")) return { type: "set", set: complement(NOT_DOT) };
    if (this.#take("^")) return { type: "start" };
    if (this.#take("$")) return { type: "end" };
    if (this.#take("\\")) return { type: "set", set: this.#escape(false) };
    if (/[*+?]/.test(this.#next!)) this.#fail(`repeats nothing (${this.#next})`);
    return { type: "set", set: range(this.#signs[this.#at]! + this.#signs[this.#at++]!) };
  }

  #group(): Pattern {
    if (this.#take("?")) {
      const name = /^<[A-Za-z_$][\w$]*>/.exec(this.#signs.slice(this.#at, this.#at + 64).join(""));
      if (name) this.#at += name[0].length;
      else if (!this.#take(":")) this.#fail("has a lookahead or lookbehind, or flags of its own");
    }
    const inner = this.#choice();
    if (!this.#take(")")) this.#fail("has a ( without its )");
    return inner;
  }

  #escape(inClass: boolean): CodePoints {
    const sign = this.#signs[this.#at++];
    if (sign === undefined) this.#fail("ends in a backslash");
    const known = CLASSES.get(sign);
    if (known) return known;
    const control = CONTROLS.get(sign);
    if (control && !(sign === "0" && /\d/.test(this.#next ?? ""))) return range(control + control);
    if (inClass && sign === "b") return range("\b\b");
    if (sign === "p" || sign === "P") return this.#property(sign === "P");
    if (sign === "x" || sign === "u") return this.#coded(sign);
    if (/[A-Za-z0-9]/.test(sign)) this.#fail(`has \\${sign}`);
    return range(sign + sign);
  }

  #coded(sign: "x" | "u"): CodePoints {
    const rest = this.#signs.slice(this.#at, this.#at + 10).join("");
    const code = (sign === "x" ? /^([\da-f]{2})/i : /^(?:([\da-f]{4})|\{([\da-f]{1,6})\})/i).exec(rest);
    if (!code) this.#fail(`has \\${sign} without its digits`);
    this.#at += code[0].length;
    const point = Number.parseInt(code[1] ?? code[2]!, 16);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) this.#fail("names half a character");
    return [[point, point]];
  }

  /** A Unicode property such as \p{L}, as far as its characters are of the first 65,536. */
  #property(negated: boolean): CodePoints {
    const name = /^\{[\w=]{1,40}\}/.exec(this.#signs.slice(this.#at, this.#at + 44).join(""));
    if (!name) this.#fail("has \\p without a name");
    this.#at += name[0].length;
    const set = propertySet(name[0]) ?? this.#fail(`has the unknown property \\p${name[0]}`);
    return negated ? complement(set) : set;
  }

  #class(): CodePoints {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take("]")) {
      if (this.#next === undefined) this.#fail("has a [ without its ]");
      const low = this.#classPart();
      const single = low.length === 1 && low[0]![0] === low[0]![1];
      const isRange = single && this.#next === "-" && ![undefined, "]"].includes(this.#signs[this.#at + 1]);
      if (!isRange) {
        ranges.push(...low);
        continue;
      }
      this.#at += 1;
      const high = this.#classPart();
      if (high.length !== 1 || high[0]![0] !== high[0]![1] || high[0]![0] < low[0]![0])
        this.#fail("has a range that ends before it begins");
      ranges.push([low[0]![0], high[0]![0]]);
    }
    const set = codePoints(ranges);
    return negated ? complement(set) : set;
  }

  #classPart(): CodePoints {
    if (this.#take("\\")) return this.#escape(true);
    const sign = this.#signs[this.#at++]!;
    return range(sign + sign);
  }
}

/** The tree without ^ and $, where they stand at the ends of the whole text and so say nothing; undefined elsewhere. */
function atEnds(tree: Pattern, first: boolean, last: boolean): Pattern | undefined {
  if (tree.type === "set") return tree;
  if (tree.type === "start") return first ? { type: "sequence", parts: [] } : undefined;
  if (tree.type === "end") return last ? { type: "sequence", parts: [] } : undefined;
  if (tree.type === "repeat") {
    const part = atEnds(tree.part, false, false);
    return part && { ...tree, part };
  }
  const parts: Pattern[] = [];
  for (const [at, part] of tree.parts.entries()) {
    const own = (side: readonly Pattern[], type: "start" | "end") => side.every((other) => other.type === type);
    const inside = tree.type === "sequence";
    const checked = atEnds(
      part,
      first && (!inside || own(tree.parts.slice(0, at), "start")),
      last && (!inside || own(tree.parts.slice(at + 1), "end")),
    );
    if (!checked) return undefined;
    parts.push(checked);
  }
  return { ...tree, parts };
}

const properties = new Map<string, CodePoints | undefined>();
/** Names are few; a client that makes up others must not fill the memory. */
const MOST_PROPERTIES = 200;

function propertySet(name: string): CodePoints | undefined {
  if (properties.has(name)) return properties.get(name);
  let set: CodePoints | undefined;
  try {
    const property = new RegExp(`^\\p${name}$`, "u");
    const points: [number, number][] = [];
    for (let point = 0; point <= 0xffff; point += 1) {
      if (point === 0xd800) point = 0xe000;
      if (property.test(String.fromCharCode(point))) points.push([point, point]);
    }
    set = codePoints(points);
  } catch {
    set = undefined;
  }
  if (properties.size < MOST_PROPERTIES) properties.set(name, set);
  return set;
}

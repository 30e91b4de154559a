/** @file A reader of Python literals (lists, tuples, dicts, texts, numbers), for cells that hold them; nothing is ever executed. */
import { PythonError } from "./errors.ts";
import { pyFloatRepr } from "./number.ts";

/** A Python value: int is bigint, float is number, None is null. */
export type PyValue = string | bigint | number | boolean | null | PySequence | Map<string, PyValue>;

/** A list, tuple or set. */
export interface PySequence {
  kind: "list" | "tuple" | "set";
  items: PyValue[];
}

/** Deeper nesting than any data set has; keeps hostile cells from exhausting the stack. */
const MAX_DEPTH = 100;
const NUMBER = /[+-]?(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y;
const PLAIN = /[^\\'"\n]+/y;
const NAMES = new Map<string, PyValue>(Object.entries({ None: null, True: true, False: false }));
const ESCAPES = new Map<string, string>(
  Object.entries({
    n: "\n",
    t: "\t",
    r: "\r",
    b: "\b",
    f: "\f",
    v: "\v",
    a: "\x07",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "\n": "",
  }),
);

class LiteralReader {
  position = 0;
  constructor(readonly text: string) {}

  fail(what: string): never {
    throw new PythonError("SyntaxError", `${what} at character ${this.position} of a Python literal`);
  }

  skip(): void {
    while (/\s/.test(this.text[this.position] ?? "")) this.position++;
  }

  readValue(depth: number): PyValue {
    if (depth > MAX_DEPTH) this.fail(`nesting deeper than ${MAX_DEPTH}`);
    this.skip();
    const char = this.text[this.position];
    if (char === undefined) this.fail("unexpected end");
    if (char === "[") return { kind: "list", items: this.readItems("]", depth).items };
    if (char === "(") {
      const { items, comma } = this.readItems(")", depth);
      return items.length === 1 && !comma ? items[0]! : { kind: "tuple", items };
    }
    if (char === "{") return this.readBraces(depth);
    if (/['"]/.test(char) || /^[rRbBuUfF]{1,2}['"]/.test(this.text.slice(this.position, this.position + 3))) {
      let text = this.readString();
      for (this.skip(); /['"]/.test(this.text[this.position] ?? ""); this.skip()) text += this.readString();
      return text;
    }
    return this.readAtom();
  }

  readItems(close: string, depth: number): { items: PyValue[]; comma: boolean } {
    this.position++;
    const items: PyValue[] = [];
    let comma = false;
    for (;;) {
      this.skip();
      if (this.text[this.position] === close) {
        this.position++;
        return { items, comma };
      }
      if (items.length > 0 && !comma) this.fail(`expected "," or "${close}"`);
      items.push(this.readValue(depth + 1));
      this.skip();
      comma = this.text[this.position] === ",";
      if (comma) this.position++;
    }
  }

  readBraces(depth: number): PyValue {
    const start = this.position;
    this.position++;
    this.skip();
    if (this.text[this.position] === "}") {
      this.position++;
      return new Map();
    }
    this.readValue(depth + 1);
    this.skip();
    const isDict = this.text[this.position] === ":";
    this.position = start;
    if (!isDict) return { kind: "set", items: this.readItems("}", depth).items };
    const map = new Map<string, PyValue>();
    this.position++;
    for (;;) {
      this.skip();
      if (this.text[this.position] === "}") break;
      const key = this.readValue(depth + 1);
      this.skip();
      if (this.text[this.position] !== ":") this.fail('expected ":"');
      this.position++;
      map.set(pyStr(key), this.readValue(depth + 1));
      this.skip();
      if (this.text[this.position] === ",") this.position++;
      else if (this.text[this.position] !== "}") this.fail('expected "," or "}"');
    }
    this.position++;
    return map;
  }

  readString(): string {
    let raw = false;
    while (/[a-zA-Z]/.test(this.text[this.position]!)) {
      if (/[rR]/.test(this.text[this.position]!)) raw = true;
      this.position++;
    }
    const quote = this.text[this.position]!;
    const triple = this.text.startsWith(quote.repeat(3), this.position);
    const end = triple ? quote.repeat(3) : quote;
    this.position += end.length;
    const parts: string[] = [];
    let run = this.position;
    for (;;) {
      const char = this.text[this.position];
      if (char === undefined || (!triple && char === "\n")) this.fail("unterminated text");
      if (this.text.startsWith(end, this.position)) break;
      if (char !== "\\") {
        // Whole runs at once: an image cell is a list of texts of many megabytes.
        PLAIN.lastIndex = this.position;
        this.position += PLAIN.exec(this.text)?.[0].length ?? 1;
        continue;
      }
      if (raw) {
        this.position += 2;
        continue;
      }
      parts.push(this.text.slice(run, this.position), this.readEscape());
      run = this.position;
    }
    parts.push(this.text.slice(run, this.position));
    this.position += end.length;
    return parts.join("");
  }

  readEscape(): string {
    const rest = this.text.slice(this.position + 1, this.position + 10);
    const coded = /^(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3}))/.exec(rest);
    if (coded) {
      this.position += 1 + coded[0].length;
      const hex = coded[1] ?? coded[2] ?? coded[3];
      const code = hex === undefined ? Number.parseInt(coded[4]!, 8) : Number.parseInt(hex, 16);
      if (code > 0x10ffff) this.fail("character code out of range");
      return String.fromCodePoint(code);
    }
    const known = ESCAPES.get(rest[0] ?? "");
    this.position += 2;
    // An unknown escape keeps its backslash, as Python does.
    return known ?? `\\${rest[0] ?? ""}`;
  }

  readAtom(): PyValue {
    const name = /[A-Za-z_]\w*/y;
    name.lastIndex = this.position;
    const word = name.exec(this.text)?.[0];
    if (word !== undefined) {
      if (!NAMES.has(word)) {
        // Python compiles before it looks names up, so an error of syntax comes first.
        this.position += word.length;
        this.skip();
        if (!/^[,\])}:]?$/.test(this.text[this.position] ?? "")) this.fail("unexpected text after a name");
        throw new PythonError("NameError", `name '${word}' is not defined`);
      }
      this.position += word.length;
      return NAMES.get(word)!;
    }
    NUMBER.lastIndex = this.position;
    const number = NUMBER.exec(this.text)?.[0];
    if (number === undefined) this.fail("unexpected character");
    this.position += number.length;
    const plain = number.replaceAll("_", "");
    if (/^[+-]?0[xX]/.test(plain) || /^[+-]?\d+$/.test(plain)) {
      if (/^[+-]?0\d*[1-9]/.test(plain) && !/[xX]/.test(plain)) this.fail("leading zeros in an integer");
      return plain.startsWith("-") ? -BigInt(plain.slice(1)) : BigInt(plain.replace("+", ""));
    }
    return Number(plain);
  }
}

/**
 * Read one Python literal.
 * @throws PythonError with `SyntaxError` or `NameError` where Python would raise it
 * @example parsePyLiteral("['a', 1.0, None]") // { kind: "list", items: ["a", 1, null] }
 */
export function parsePyLiteral(text: string): PyValue {
  const reader = new LiteralReader(text.trim());
  const first = reader.readValue(0);
  reader.skip();
  if (reader.position >= reader.text.length) return first;
  if (reader.text[reader.position] !== ",") reader.fail("unexpected text after the value");
  // "a, b" without brackets is a tuple.
  reader.position--;
  const items = [first];
  reader.position++;
  while (reader.text[reader.position] === ",") {
    reader.position++;
    reader.skip();
    if (reader.position >= reader.text.length) break;
    items.push(reader.readValue(1));
    reader.skip();
  }
  if (reader.position < reader.text.length) reader.fail("unexpected text after the value");
  return { kind: "tuple", items };
}

/** `repr(value)`. */
export function pyRepr(value: PyValue): string {
  if (typeof value !== "string") return pyStr(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  let body = "";
  for (const char of value) {
    const code = char.codePointAt(0)!;
    if (char === "\\" || char === quote) body += `\\${char}`;
    else if (char === "\n") body += "\\n";
    else if (char === "\r") body += "\\r";
    else if (char === "\t") body += "\\t";
    else if (code < 0x20 || code === 0x7f) body += `\\x${code.toString(16).padStart(2, "0")}`;
    else body += char;
  }
  return `${quote}${body}${quote}`;
}

/**
 * `str(value)`.
 * @example pyStr(1) // "1.0", since a number stands for a float and a bigint for an int
 */
export function pyStr(value: PyValue): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return pyFloatRepr(value);
  if (value instanceof Map) return `{${[...value].map(([key, item]) => `${pyRepr(key)}: ${pyRepr(item)}`).join(", ")}}`;
  const inside = value.items.map(pyRepr).join(", ");
  if (value.kind === "list") return `[${inside}]`;
  if (value.kind === "set") return value.items.length === 0 ? "set()" : `{${inside}}`;
  return value.items.length === 1 ? `(${inside},)` : `(${inside})`;
}

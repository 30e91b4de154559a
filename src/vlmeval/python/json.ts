/** @file Python's `json.loads(text, strict=False)`: raw control characters in texts, NaN and Infinity are allowed, the last duplicate key wins. */
import { PythonError } from "./errors.ts";

/** What a reply's JSON can hold; `int` tells 3 from 3.0 as Python does. */
export type LooseJson =
  | string
  | boolean
  | null
  | LooseJson[]
  | Map<string, LooseJson>
  | { number: number; int: boolean };

/** Python's own reader stops at its recursion limit, about here. */
const MAX_DEPTH = 900;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS: [string, LooseJson][] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", { number: Number.NaN, int: false }],
  ["Infinity", { number: Number.POSITIVE_INFINITY, int: false }],
  ["-Infinity", { number: Number.NEGATIVE_INFINITY, int: false }],
];
const ESCAPES = new Map<string, string>(
  Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", "/": "/" }),
);

/**
 * @throws PythonError `JSONDecodeError` or `RecursionError`
 * @example parseLooseJson('{"a": NaN}')
 */
export function parseLooseJson(text: string): LooseJson {
  let at = 0;
  const fail = (what: string): never => {
    throw new PythonError("JSONDecodeError", `${what} at character ${at}`);
  };
  const skip = () => {
    while (at < text.length && " \t\n\r".includes(text[at]!)) at++;
  };
  const readString = (): string => {
    at++;
    const parts: string[] = [];
    let run = at;
    for (;;) {
      const char = text[at];
      if (char === undefined) return fail("unterminated text");
      if (char === '"') break;
      if (char !== "\\") {
        at++;
        continue;
      }
      parts.push(text.slice(run, at));
      const next = text[at + 1] ?? "";
      if (next === "u") {
        const hex = text.slice(at + 2, at + 6);
        if (!/^[\da-fA-F]{4}$/.test(hex)) fail("bad \\u escape");
        parts.push(String.fromCharCode(Number.parseInt(hex, 16)));
        at += 6;
      } else {
        parts.push(ESCAPES.get(next) ?? fail("bad escape"));
        at += 2;
      }
      run = at;
    }
    parts.push(text.slice(run, at));
    at++;
    return parts.join("");
  };
  const readValue = (depth: number): LooseJson => {
    if (depth > MAX_DEPTH) throw new PythonError("RecursionError", "nesting too deep");
    const char = text[at];
    if (char === '"') return readString();
    if (char === "{") return readObject(depth);
    if (char === "[") return readArray(depth);
    for (const [word, value] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) return fail("expected a value");
    at += match[0].length;
    return { number: Number(match[0]), int: match[1] === undefined && match[2] === undefined };
  };
  const readObject = (depth: number): LooseJson => {
    const map = new Map<string, LooseJson>();
    at++;
    skip();
    if (text[at] === "}") {
      at++;
      return map;
    }
    for (;;) {
      skip();
      if (text[at] !== '"') fail("expected a key");
      const key = readString();
      skip();
      if (text[at] !== ":") fail('expected ":"');
      at++;
      skip();
      map.set(key, readValue(depth + 1));
      skip();
      if (text[at] === "}") break;
      if (text[at] !== ",") fail('expected ","');
      at++;
    }
    at++;
    return map;
  };
  const readArray = (depth: number): LooseJson => {
    const items: LooseJson[] = [];
    at++;
    skip();
    if (text[at] === "]") {
      at++;
      return items;
    }
    for (;;) {
      skip();
      items.push(readValue(depth + 1));
      skip();
      if (text[at] === "]") break;
      if (text[at] !== ",") fail('expected ","');
      at++;
    }
    at++;
    return items;
  };
  skip();
  const value = readValue(0);
  skip();
  if (at < text.length) fail("extra data");
  return value;
}

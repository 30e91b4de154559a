/** @file JSON for files from strangers: like JSON.parse, but an object that names a key twice is an error. */

/** No file of a model nests deeper than a dozen; code that walks a value may recurse without fear. */
const MAX_DEPTH = 200;

/**
 * Parses JSON and refuses nesting beyond 200 levels and duplicate keys, which `JSON.parse` silently resolves to the last one.
 * Keys such as `__proto__` become ordinary own properties, as JSON.parse makes them; read them with `Object.entries`.
 *
 * @throws SyntaxError on invalid JSON, a duplicate key, or too deep nesting
 * @example parseStrictJson('{"a": 1, "a": 2}') // SyntaxError: key "a" appears twice in the same object
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  refuseSurprises(text);
  return value;
}

/** Walks text that is known to be valid JSON, without recursion: deep nesting costs memory, not the stack. */
function refuseSurprises(text: string): void {
  const open: (Set<string> | null)[] = []; // the keys seen in each open object; null for an open array
  for (let at = 0; at < text.length; at++) {
    if (open.length > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`);
    const code = text.charCodeAt(at);
    if (code === 0x7b /* { */) open.push(new Set());
    else if (code === 0x5b /* [ */) open.push(null);
    else if (code === 0x7d /* } */ || code === 0x5d /* ] */) open.pop();
    else if (code === 0x22 /* " */) {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys && isFollowedByColon(text, end + 1)) {
        const raw = text.slice(at + 1, end);
        // "\u0061" and "a" are the same key, so compare what the escapes stand for.
        const key = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
        if (keys.has(key)) throw new SyntaxError(`key ${JSON.stringify(key)} appears twice in the same object`);
        keys.add(key);
      }
      at = end;
    }
  }
}

/** The index of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at;
    at += code === 0x5c /* \ */ ? 2 : 1;
  }
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (/\s/.test(text.charAt(at))) at++;
  return text.charAt(at) === ":";
}

/** @file From a body's bytes to its JSON, with pictures unpacked; the same inside a thread (large bodies) and outside. */
import { decodeDataUrl, MAX_IMAGE_BYTES } from "../processor/index.ts";

/** More values than this make reading them a burden for everybody; a long conversation has some thousands. */
const MAX_VALUES = 100_000;
/** Deeper bodies would overflow the stack of what reads them. */
const MAX_DEPTH = 300;
/** Shorter data: URLs are cheap, and read with the request. */
const LONG_URL = 64 * 1024;

/** A body that cannot be read, in the words of the answer. */
export class BodyError extends Error {
  readonly code: "invalid_json" | "invalid_request" | "invalid_schema";

  constructor(code: BodyError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Members that hold a JSON schema. */
const SCHEMAS = ["schema", "parameters", "input_schema"];

/**
 * The JSON of a body; long data: URLs under `url` and `image_url` have become bytes.
 * Throws {@link BodyError}.
 *
 * @example const json = parseBody(new TextEncoder().encode("{}"));
 */
export function parseBody(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BodyError("invalid_json", "The request's body is not UTF-8.", { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    // V8's message quotes the text around the fault; a picture's base64 or a private prompt must not reach a log that way.
    throw new BodyError("invalid_json", "The request's body is not valid JSON.", { cause });
  }
  unpack(json);
  return json;
}

/** Goes through all values: counts them, and replaces long data: URLs. */
function unpack(json: unknown): void {
  let values = 0;
  const open: [value: unknown, depth: number, inSchema: boolean][] = [[json, 0, false]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth, inSchema] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) {
      const [code, what] = inSchema
        ? (["invalid_schema", "A schema"] as const)
        : (["invalid_request", "The body"] as const);
      throw new BodyError(code, `${what} is nested deeper than ${MAX_DEPTH} levels.`);
    }
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    values += keys?.length ?? (value as unknown[]).length;
    if (values > MAX_VALUES) throw new BodyError("invalid_request", `The body has more than ${MAX_VALUES} values.`);
    if (!keys) {
      for (const item of value as unknown[]) if (typeof item === "object") open.push([item, depth + 1, inSchema]);
      continue;
    }
    const object = value as Record<string, unknown>;
    for (const key of keys) {
      const member = object[key];
      if (typeof member === "object") open.push([member, depth + 1, inSchema || SCHEMAS.includes(key)]);
    }
    for (const key of ["url", "image_url"]) {
      const url = Object.hasOwn(object, key) ? object[key] : undefined;
      if (typeof url === "string" && url.length > LONG_URL) object[key] = unpacked(url);
    }
  }
}

/** The bytes of a data: URL; anything else, and what is no right data: URL, is left for the request's own check. */
function unpacked(url: string): string | Uint8Array {
  if (!/^\s*data:/i.test(url.slice(0, 100))) return url;
  try {
    return decodeDataUrl(url.trim(), { maxBytes: MAX_IMAGE_BYTES });
  } catch {
    return url;
  }
}

/** @file Decodes `data:` URLs. */
import { checkByteLimit, type ImageLimits } from "./image-limits.ts";
import { InputError } from "./input-error.ts";

/** The most characters that one byte can take: in base64 with every character percent-encoded, 12 for 3 bytes. */
const MOST_CHARACTERS_PER_BYTE = 4;

function invalid(problem: string, cause?: unknown): InputError {
  const message = `The data: URL ${problem}. Expected data:image/…;base64,… with the encoded file.`;
  return new InputError("invalid", message, { cause });
}

function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    // Padding and alphabet are checked; base64 inside a URL may be percent-encoded.
    binary = atob(text.includes("%") ? decodeURIComponent(text) : text);
  } catch (cause) {
    throw invalid("is not valid base64", cause);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function fromPercentEncoded(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const bytes: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    if (encoded[i] !== 0x25 /* % */) {
      bytes.push(encoded[i]!);
      continue;
    }
    const digits = String.fromCharCode(encoded[i + 1] ?? 0, encoded[i + 2] ?? 0);
    if (!/^[0-9a-f]{2}$/i.test(digits)) throw invalid("has a % that is not followed by two hexadecimal digits");
    bytes.push(Number.parseInt(digits, 16));
    i += 2;
  }
  return Uint8Array.from(bytes);
}

/**
 * The bytes of a `data:` URL. Its media type is not looked at: the bytes say what they are.
 *
 * @throws InputError "invalid" if it is malformed, "too-large" if it is far longer than the limit allows
 */
export function decodeDataUrl(url: string, limits: ImageLimits): Uint8Array {
  const comma = url.indexOf(",");
  if (comma < 0) throw invalid("has no comma before its data");
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, Math.min(comma, 1024)));
  const text = url.slice(comma + 1);
  checkByteLimit(Math.ceil(text.length / MOST_CHARACTERS_PER_BYTE), limits); // before it costs memory
  return isBase64 ? fromBase64(text) : fromPercentEncoded(text);
}

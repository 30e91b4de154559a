/** @file The byte-level alphabet of GPT-2 style vocabularies: every byte written as one printable character, and back. */

/** Bytes that stand for themselves: printable ASCII and the printable half of Latin-1. */
function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function buildAlphabet(): string[] {
  let next = 256; // the other bytes get the code points from 256 up, in order (openai/gpt-2, encoder.py)
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

/** The character that stands for each byte, by byte. */
export const BYTE_TO_CHAR: readonly string[] = buildAlphabet();

const CHAR_TO_BYTE = new Map(BYTE_TO_CHAR.map((char, byte) => [char.charCodeAt(0), byte]));

const utf8 = new TextEncoder();

/**
 * The bytes that a vocabulary entry stands for. An entry with a character outside the alphabet is plain text
 * (an added token may be), and its bytes are its UTF-8.
 */
export function tokenToBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHAR_TO_BYTE.get(token.charCodeAt(i));
    if (byte === undefined) return utf8.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** Write bytes as the characters of the alphabet. */
export function bytesToToken(bytes: Iterable<number>): string {
  let token = "";
  for (const byte of bytes) token += BYTE_TO_CHAR[byte]!;
  return token;
}

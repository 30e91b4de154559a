/** @file Decodes token ids one at a time into text, never giving out half a character. */

/** Text from tokens as they come. */
export interface TokenStream {
  /** The text that became complete with this token: often "", since a character can be spread over several tokens. */
  push(id: number): string;
  /** What is still held back, an incomplete character as U+FFFD; the stream is then empty and can be used again. */
  end(): string;
}

/** A stream over a function that gives each id's bytes (empty for ids that are not to be shown). */
export function createTokenStream(bytesOf: (id: number) => Uint8Array): TokenStream {
  // A byte order mark is a character that the model wrote, not a sign about the encoding.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => decoder.decode(),
  };
}

/** @file Text to token ids and back, for byte-level BPE tokenizers (Qwen2.5's and those made like it). */
import { Tokenizer as BpeTokenizer } from "@huggingface/tokenizers";
import { BYTE_TO_CHAR, tokenToBytes } from "./byte-alphabet.ts";
import { createTokenStream, type TokenStream } from "./token-stream.ts";
import {
  type AddedToken,
  checkTokenizerConfig,
  checkTokenizerJson,
  highestId,
  type TokenizerJson,
} from "./tokenizer-schema.ts";

export interface EncodeOptions {
  /**
   * Read control tokens such as `<|im_end|>` in the text as control tokens, as Python's `tokenizers` does.
   * Off by default: what people type is text, and must not be able to end its own turn.
   */
  controlTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave out special tokens such as `<|im_end|>`. Default true: most text is for people. */
  skipSpecialTokens?: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** Escape a text so that a regular expression matches it literally. */
function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The library's tokenizer, without the added tokens, so that no typed text can become one. */
function createBpe(json: TokenizerJson): BpeTokenizer {
  const missing = BYTE_TO_CHAR.find((char) => !Object.hasOwn(json.model.vocab, char));
  if (missing !== undefined) {
    throw new Error(
      `tokenizer.json cannot be used: model.vocab lacks ${missing}; every one of the 256 bytes must be there.`,
    );
  }
  try {
    return new BpeTokenizer({ ...json, post_processor: null, added_tokens: [] }, {});
  } catch (cause) {
    throw new Error(`tokenizer.json cannot be used: ${cause instanceof Error ? cause.message : cause}.`, { cause });
  }
}

/**
 * A byte-level BPE tokenizer. Every text can be encoded, and decodes to itself up to Unicode normalisation (NFC).
 *
 * @example
 * const tokenizer = Tokenizer.fromJSON(JSON.parse(await readFile("tokenizer.json", "utf8")));
 * tokenizer.decode(tokenizer.encode("荷兰豆")); // "荷兰豆"
 */
export class Tokenizer {
  /** One more than the highest id. A model's vocabulary may be larger: it is often padded. */
  readonly vocabSize: number;
  /** Id of tokenizer_config.json's `eos_token`, where it names one. */
  readonly eosId: number | undefined;
  /** Id of tokenizer_config.json's `pad_token`, where it names one. */
  readonly padId: number | undefined;

  readonly #bpe: BpeTokenizer;
  readonly #bytes: (Uint8Array | undefined)[] = []; // by id, filled as they are asked for
  readonly #added: ReadonlyMap<string, AddedToken>;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #addedPattern: RegExp | undefined;

  private constructor(tokenizerJson: unknown, tokenizerConfig: unknown) {
    const json = checkTokenizerJson(tokenizerJson);
    const config = checkTokenizerConfig(tokenizerConfig);
    this.#bpe = createBpe(json);
    this.#added = new Map(json.added_tokens.map((token) => [token.content, token]));
    // Longest first, since a regular expression takes the first alternative that fits.
    const contents = [...this.#added.keys()].sort((a, b) => b.length - a.length);
    this.#addedPattern = contents.length > 0 ? new RegExp(`(${contents.map(escapeRegExp).join("|")})`, "u") : undefined;
    this.#addedById = new Map(json.added_tokens.map((token) => [token.id, token]));
    this.vocabSize = highestId(json) + 1;
    this.eosId = config.eos_token == null ? undefined : this.idOf(config.eos_token);
    this.padId = config.pad_token == null ? undefined : this.idOf(config.pad_token);
  }

  /**
   * Build a tokenizer from the parsed `tokenizer.json` and, for the end and padding tokens, `tokenizer_config.json`.
   *
   * @throws naming what is missing or not supported (only byte-level BPE is)
   */
  static fromJSON(tokenizerJson: unknown, tokenizerConfig?: unknown): Tokenizer {
    return new Tokenizer(tokenizerJson, tokenizerConfig);
  }

  /**
   * The ids of a text; no token is added at its ends.
   *
   * @example
   * tokenizer.encode("<|im_end|>"); // the ids of ten ordinary characters
   * tokenizer.encode("<|im_end|>", { controlTokens: true }); // [151645]
   */
  encode(text: string, { controlTokens = false }: EncodeOptions = {}): number[] {
    if (!controlTokens || this.#addedPattern === undefined) return this.#encodeText(text);
    const ids: number[] = [];
    for (const piece of text.split(this.#addedPattern)) {
      const added = this.#added.get(piece);
      if (added !== undefined) ids.push(added.id);
      else for (const id of this.#encodeText(piece)) ids.push(id);
    }
    return ids;
  }

  #encodeText(text: string): number[] {
    return text === "" ? [] : this.#bpe.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * The id of one control token.
   *
   * @throws if the tokenizer has no such added token
   */
  encodeControl(name: string): number {
    const token = this.#added.get(name);
    if (token !== undefined) return token.id;
    const known = [...this.#added.keys()].slice(0, 8).join(" ");
    throw new Error(`The tokenizer has no control token ${JSON.stringify(name)}; it has: ${known || "none"}.`);
  }

  /**
   * The text of ids. Bytes that are not UTF-8 (a character cut off at an end) become U+FFFD.
   *
   * @throws if an id is not a whole number from 0 up; ids that no token has give no text
   */
  decode(ids: Iterable<number>, { skipSpecialTokens = true }: DecodeOptions = {}): string {
    const stream = this.stream({ skipSpecialTokens });
    let text = "";
    for (const id of ids) text += stream.push(id);
    return text + stream.end();
  }

  /** A decoder for ids that come one by one. */
  stream({ skipSpecialTokens = true }: DecodeOptions = {}): TokenStream {
    return createTokenStream((id) => (skipSpecialTokens && this.isSpecial(id) ? NO_BYTES : this.tokenBytes(id)));
  }

  /** The bytes one id stands for; empty for an id within a padded vocabulary that no token has. */
  tokenBytes(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known !== undefined) return known;
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new Error(`${id} is not a token id; ids are whole numbers from 0 up (image slots have no text).`);
    }
    const token = this.tokenOf(id);
    if (token === undefined) return NO_BYTES;
    const bytes = tokenToBytes(token);
    this.#bytes[id] = bytes;
    return bytes;
  }

  /** The id of a vocabulary entry, written as in tokenizer.json. */
  idOf(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.#bpe.token_to_id(token);
  }

  /** The vocabulary entry of an id, written as in tokenizer.json. */
  tokenOf(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#bpe.id_to_token(id);
  }

  /** Whether an id is a special token, which {@link decode} leaves out. */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special ?? false;
  }
}

/** @file Text to token ids and back, for byte-level BPE tokenizers (Qwen2.5's and those made like it). */
import { Tokenizer as BpeTokenizer } from "@huggingface/tokenizers";
import { finish } from "../common/index.ts";
import { BYTE_TO_CHAR, tokenToBytes } from "./byte-alphabet.ts";
import { BytePairs, isQwenBpe } from "./byte-pairs.ts";
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

function checkBytes(json: TokenizerJson): void {
  const missing = BYTE_TO_CHAR.find((char) => !Object.hasOwn(json.model.vocab, char));
  if (missing !== undefined) {
    throw new Error(
      `tokenizer.json cannot be used: model.vocab lacks ${missing}; every one of the 256 bytes must be there.`,
    );
  }
}

/** The library's tokenizer, without the added tokens, so that no typed text can become one. */
function createBpe(json: TokenizerJson): BpeTokenizer {
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

  /** Bytes of the longest token: so many a token of a prompt can stand for. */
  readonly longestToken: number;

  readonly #pairs: BytePairs | undefined;
  /** The library's encoder, for tokenizers that split or merge in another way than Qwen2.5's. */
  readonly #bpe: BpeTokenizer | undefined;
  readonly #vocab: Record<string, number>;
  readonly #tokens: string[] = []; // by id
  readonly #bytes: (Uint8Array | undefined)[] = []; // by id, filled as they are asked for
  readonly #added: ReadonlyMap<string, AddedToken>;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #addedPattern: RegExp | undefined;

  private constructor(tokenizerJson: unknown, tokenizerConfig: unknown) {
    const json = checkTokenizerJson(tokenizerJson);
    const config = checkTokenizerConfig(tokenizerConfig);
    checkBytes(json);
    this.#pairs = isQwenBpe(json) ? new BytePairs(json) : undefined;
    this.#bpe = this.#pairs ? undefined : createBpe(json);
    this.#vocab = json.model.vocab;
    let longest = 1;
    for (const token of Object.keys(json.model.vocab)) {
      this.#tokens[json.model.vocab[token]!] = token;
      if (token.length > longest) longest = token.length;
    }
    this.longestToken = longest;
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
    return finish(this.encodeSteps(text, undefined, { controlTokens }));
  }

  /**
   * {@link encode} in steps, between which other work may be done.
   *
   * @param most more tokens than this need not be right, only more
   * @example const ids = await inSlices(tokenizer.encodeSteps(text));
   */
  *encodeSteps(
    text: string,
    most = Number.POSITIVE_INFINITY,
    { controlTokens = false }: EncodeOptions = {},
  ): Generator<void, number[]> {
    if (text === "") return [];
    if (controlTokens && this.#addedPattern !== undefined) {
      const ids: number[] = [];
      for (const piece of text.split(this.#addedPattern)) {
        const added = this.#added.get(piece);
        for (const id of added ? [added.id] : yield* this.encodeSteps(piece, most - ids.length)) ids.push(id);
        if (ids.length > most) break;
      }
      return ids;
    }
    if (!this.#pairs) return this.#bpe!.encode(text, { add_special_tokens: false }).ids;
    const ids: number[] = [];
    yield* this.#pairs.encode(text, ids, most);
    return ids;
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

  /** The id of a control token, where the tokenizer has it. */
  controlOf(name: string): number | undefined {
    return this.#added.get(name)?.id;
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
    const added = this.#added.get(token)?.id;
    return added ?? (Object.hasOwn(this.#vocab, token) ? this.#vocab[token] : undefined);
  }

  /** The vocabulary entry of an id, written as in tokenizer.json. */
  tokenOf(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#tokens[id];
  }

  /** Whether an id is a special token, which {@link decode} leaves out. */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special ?? false;
  }
}

/** @file Holds answers to JSON schemas and other structures: a mask of tokens per step, from grammars that are compiled once and shared. */
import { inSlices } from "../../common/index.ts";
import { applyMask } from "./apply-mask.ts";
import { type Local, LocalMasks, maskOf } from "./grammar/masks.ts";
import { type State, TooManyStates } from "./grammar/network.ts";
import { type PackedGrammar, unpackGrammar } from "./grammar/packed-grammar.ts";
import { type Grammar, NOWHERE, Stacks } from "./grammar/stacks.ts";
import { type TokenTrie, tokenTrie } from "./grammar/token-trie.ts";
import { SchemaError } from "./schema-error.ts";
import { COMMON_STATES, compileStructure, type Structure } from "./structure.ts";
import { toJsonSchema } from "./to-json-schema.ts";

/** What a constraint needs to know of a tokenizer; `Tokenizer` has it. */
export interface Vocabulary {
  readonly vocabSize: number;
  /** The bytes of an id; none for an id that no token has. */
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
}

/** One answer's constraint. */
export interface JsonConstraint {
  /** A `logitsProcessor`: forbids every token that would leave the structure. */
  apply(logits: Float32Array, generated: readonly number[]): void;
  /**
   * Computes ahead what {@link apply} will need, with breaks in which other work is done; undefined when that is known already.
   */
  prepare(generated: readonly number[]): Promise<void> | undefined;
}

/** A grammar with what is known of its states. */
interface Compiled {
  grammar: Grammar;
  locals: LocalMasks;
}

/** Structures that stay compiled. */
const MOST_GRAMMARS = 32;

/** What is longer, or needs more states, takes more than a few milliseconds to compile. */
const SHORT_TEXT = 4096;
const FEW_STATES = 2000;

/** Compiles a structure, given as JSON, where it holds nobody up. @throws Error, with the code of a SchemaError where it is one */
export type CompileApart = (structure: string) => Promise<PackedGrammar>;

/**
 * Makes constraints for one tokenizer; the structures used last stay compiled.
 *
 * @example
 * const constraints = new JsonConstraints(tokenizer, [tokenizer.eosId!]);
 * const constraint = constraints.create({ json: z.object({ price: z.number() }) });
 * await model.generate(image, messages, { logitsProcessor: constraint.apply });
 */
export class JsonConstraints {
  readonly #vocabulary: Vocabulary;
  readonly #endTokens: number[];
  /** By structure as text, least recently used first. */
  readonly #compiled = new Map<string, Compiled>();
  readonly #common = new Map<State, Local>();
  readonly #apart: CompileApart | undefined;
  /** By structure as text: those that are compiled apart now. */
  readonly #awaited = new Map<string, Promise<void>>();
  #trie: TokenTrie | undefined;

  /** @param apart where large structures are compiled; without it all are compiled here */
  constructor(vocabulary: Vocabulary, endTokens: Iterable<number>, apart?: CompileApart) {
    this.#vocabulary = vocabulary;
    this.#endTokens = [...endTokens];
    this.#apart = apart;
  }

  /** Structures that are compiled now. */
  get size(): number {
    return this.#compiled.size;
  }

  /**
   * A constraint for one answer, compiled at once.
   * Throws {@link SchemaError} for schemas that are faulty, cannot be enforced or are too complex.
   */
  create(structure: Structure): JsonConstraint {
    const explicit = withJsonSchemas(structure);
    const key = JSON.stringify(explicit);
    return this.#constraint(this.#known(key) ?? this.#keep(key, compileStructure(explicit)));
  }

  /**
   * The same; a structure that takes long to compile is compiled apart. Rejects as {@link create} throws.
   *
   * @example const constraint = await constraints.open({ json: schema });
   */
  async open(structure: Structure): Promise<JsonConstraint> {
    const explicit = withJsonSchemas(structure);
    const key = JSON.stringify(explicit);
    const compiled = this.#known(key) ?? this.#compileShort(key, explicit);
    if (compiled) return this.#constraint(compiled);
    // Equal structures that come at once are compiled once.
    const awaited = this.#awaited.get(key) ?? this.#compileApart(key).finally(() => this.#awaited.delete(key));
    this.#awaited.set(key, awaited);
    await awaited;
    // Forgotten already, where many others came meanwhile.
    const known = this.#known(key);
    return known ? this.#constraint(known) : this.open(structure);
  }

  /** Undefined for what had better be compiled apart. */
  #compileShort(key: string, structure: Structure): Compiled | undefined {
    if (!this.#apart) return this.#keep(key, compileStructure(structure));
    if (key.length > SHORT_TEXT) return undefined;
    try {
      return this.#keep(key, compileStructure(structure, FEW_STATES));
    } catch (error) {
      if (error instanceof TooManyStates) return undefined;
      throw error;
    }
  }

  async #compileApart(key: string): Promise<void> {
    const packed = await this.#apart!(key).catch((error: Error & { code?: string }) => {
      throw error.code === "invalid_schema" ? new SchemaError(error.message) : error;
    });
    this.#keep(key, await inSlices(unpackGrammar(packed)));
  }

  #constraint({ grammar, locals }: Compiled): JsonConstraint {
    return constraint(new Stacks(grammar), locals, () => this.#tree(), this.#vocabulary, this.#endTokens);
  }

  /** The vocabulary's tree, which is built once, by whoever needs it first. */
  *#tree(): Generator<void, TokenTrie> {
    if (this.#trie) return this.#trie;
    const trie = yield* tokenTrie(this.#vocabulary.vocabSize, (id) =>
      // Control tokens have no text here: otherwise a string in the answer could be made of them.
      this.#vocabulary.isSpecial(id) ? NO_BYTES : this.#vocabulary.tokenBytes(id),
    );
    this.#trie = trie;
    return trie;
  }

  #known(key: string): Compiled | undefined {
    const known = this.#compiled.get(key);
    if (known && this.#compiled.delete(key)) this.#compiled.set(key, known);
    return known;
  }

  #keep(key: string, grammar: Grammar): Compiled {
    const compiled = { grammar, locals: new LocalMasks(this.#common, COMMON_STATES) };
    this.#compiled.set(key, compiled);
    if (this.#compiled.size > MOST_GRAMMARS) this.#compiled.delete(this.#compiled.keys().next().value!);
    return compiled;
  }
}

const NO_BYTES = new Uint8Array(0);

function constraint(
  stacks: Stacks,
  locals: LocalMasks,
  tree: () => Generator<void, TokenTrie>,
  vocabulary: Vocabulary,
  endTokens: readonly number[],
): JsonConstraint {
  let position = stacks.start();
  let seen = 0;
  let left = false;
  let mask: Int32Array | undefined;
  let failure: unknown;
  const advance = (generated: readonly number[]) => {
    if (seen < generated.length) mask = undefined;
    for (; seen < generated.length && !left; seen += 1) {
      const token = generated[seen]!;
      const bytes = vocabulary.isSpecial(token) ? NO_BYTES : vocabulary.tokenBytes(token);
      for (const byte of bytes) position = stacks.step(position, byte);
      // A token that the grammar had forbidden, or that ends the answer: nothing is masked any more.
      if (bytes.length === 0 || position === NOWHERE) left = true;
    }
  };
  function* compute(): Generator<void, undefined> {
    try {
      position = stacks.compact(position);
      const next = yield* maskOf(position, stacks, yield* tree(), locals);
      if (stacks.at(position).complete) for (const end of endTokens) next[end >>> 5]! |= 1 << (end & 31);
      mask = next;
    } catch (error) {
      failure = error;
    }
    return undefined;
  }
  return {
    apply(logits, generated) {
      advance(generated);
      if (left) return;
      if (!mask && !failure) for (const _ of compute());
      if (failure) throw failure;
      applyMask(logits, mask!);
    },
    prepare(generated) {
      advance(generated);
      return left || mask || failure ? undefined : inSlices(compute());
    },
  };
}

/** The structure with JSON schemas in place of zod types, so that equal ones have equal texts. */
function withJsonSchemas(structure: Structure): Structure {
  if (typeof structure === "string" || "until" in structure) return structure;
  if ("json" in structure) return { json: toJsonSchema(structure.json) };
  if ("sequence" in structure) return { sequence: structure.sequence.map(withJsonSchemas) };
  if ("choice" in structure) return { choice: structure.choice.map(withJsonSchemas) };
  return { ...structure, list: withJsonSchemas(structure.list) };
}

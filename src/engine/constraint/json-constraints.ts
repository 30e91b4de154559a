/** @file Holds answers to JSON schemas: a logits mask per step, from grammars that are compiled once and shared. */
import { z } from "zod";
import { abortable } from "../abortable.ts";
import { applyMask } from "./apply-mask.ts";
import { checkSchema, type JsonSchema } from "./check-schema.ts";
import { GrammarHost } from "./grammar-host.ts";
import { SchemaError } from "./schema-error.ts";

/** What a constraint needs to know of a tokenizer; `Tokenizer` has it. */
export interface Vocabulary {
  readonly vocabSize: number;
  /** The entry of an id in the byte-level alphabet. */
  tokenOf(id: number): string | undefined;
  isSpecial(id: number): boolean;
}

/** A schema as JSON schema, as a zod type, or `true` for any JSON object. */
export type SchemaInput = JsonSchema | z.ZodType;

/** One answer's constraint. */
export interface JsonConstraint {
  /** A `logitsProcessor`: forbids every token that would leave the schema. */
  apply(logits: Float32Array, generated: readonly number[]): void;
  /** Frees the constraint; call it when the answer is complete. A second call does nothing. */
  dispose(): void;
}

/** Each grammar keeps a thread with its own copy of the vocabulary, about 100 MB for 151,936 tokens. */
const MAX_GRAMMARS = 4;

/**
 * Makes constraints for one tokenizer; the last {@link MAX_GRAMMARS} schemas stay compiled.
 *
 * @example
 * const constraints = new JsonConstraints(tokenizer, [tokenizer.eosId!]);
 * const constraint = await constraints.create(z.object({ price: z.number() }));
 * try { await model.generate(image, messages, { logitsProcessor: constraint.apply }); } finally { constraint.dispose(); }
 */
export class JsonConstraints {
  readonly #vocabulary: Vocabulary;
  readonly #endTokens: number[];
  readonly #maxGrammars: number;
  /** By schema text, least recently used first. */
  readonly #hosts = new Map<string, GrammarHost>();
  /** Wakes those who wait until one of the grammars is no longer in use. */
  readonly #waiting = new Set<() => void>();
  #tokens: string[] | undefined;
  #disposed = false;

  /** @param maxGrammars schemas that may be compiled at once */
  constructor(vocabulary: Vocabulary, endTokens: Iterable<number>, maxGrammars = MAX_GRAMMARS) {
    this.#maxGrammars = maxGrammars;
    this.#vocabulary = vocabulary;
    this.#endTokens = [...endTokens];
  }

  /**
   * A constraint for one answer; waits while {@link MAX_GRAMMARS} other schemas are all in use.
   * Throws {@link SchemaError} for schemas that are faulty, cannot be enforced or are too complex, and the signal's reason.
   */
  async create(schema: SchemaInput, signal?: AbortSignal): Promise<JsonConstraint> {
    const explicit = toJsonSchema(schema);
    const key = JSON.stringify(explicit);
    while (!this.#hosts.has(key) && !this.#makeRoom()) {
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.#waiting.add(wake);
      await abortable(woken, signal).finally(() => this.#waiting.delete(wake));
    }
    if (this.#disposed) throw new Error("The model was disposed before the answer's schema was compiled.");
    const host = this.#hosts.get(key) ?? this.#start(explicit);
    this.#hosts.delete(key);
    this.#hosts.set(key, host);
    const opening = host.open();
    const matcher = await abortable(opening, signal).catch((error) => {
      if (signal?.aborted) {
        // Others may use the grammar later; only this answer's place in it is given up.
        opening.then((late) => late.close()).catch(() => {});
        opening.finally(() => this.#wakeAll()).catch(() => {});
      } else if (this.#hosts.get(key) === host) this.#hosts.delete(key);
      this.#wakeAll();
      throw error;
    });
    let seen = 0;
    return {
      apply(logits, generated) {
        const mask = matcher.step(generated.slice(seen));
        seen = generated.length;
        if (mask) applyMask(logits, mask);
      },
      dispose: () => {
        matcher.close();
        this.#wakeAll();
      },
    };
  }

  /** Ends all grammars' threads; answers still in the making can no longer be constrained. */
  async dispose(): Promise<void> {
    const hosts = [...this.#hosts.values()];
    this.#disposed = true;
    this.#hosts.clear();
    this.#wakeAll();
    await Promise.all(hosts.map((host) => host.terminate()));
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Ends the grammar that has been idle longest where there are too many; false when all are in use. */
  #makeRoom(): boolean {
    if (this.#hosts.size < this.#maxGrammars) return true;
    const idle = [...this.#hosts].find(([, host]) => host.matchers === 0);
    if (!idle) return false;
    this.#hosts.delete(idle[0]);
    void idle[1].terminate();
    return true;
  }

  #start(schema: JsonSchema): GrammarHost {
    // Special tokens have no text here: otherwise a string in the answer could be made of control tokens.
    this.#tokens ??= Array.from({ length: this.#vocabulary.vocabSize }, (_, id) =>
      this.#vocabulary.isSpecial(id) ? "" : (this.#vocabulary.tokenOf(id) ?? ""),
    );
    return new GrammarHost(this.#tokens, this.#endTokens, schema);
  }
}

function toJsonSchema(schema: SchemaInput): JsonSchema {
  if (schema === true) return checkSchema({ type: "object" });
  if (!(schema instanceof z.ZodType)) return checkSchema(schema);
  try {
    return checkSchema(z.toJSONSchema(schema, { io: "input" }) as JsonSchema);
  } catch (cause) {
    if (cause instanceof SchemaError) throw cause;
    throw new SchemaError(`The zod schema has no JSON schema: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
    });
  }
}

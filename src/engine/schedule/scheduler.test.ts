/** @file The scheduler over a decoder whose next token depends on every token before it: nothing stale can go unnoticed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecoderConfig } from "../../model/index.ts";
import type { DecoderRunner, DecoderStep } from "../run/decoder-runner.ts";
import { Candidates, type Choice, Sampler, samplingSettings } from "../sampling/index.ts";
import type { EmbeddingTable } from "../weights/embedding-table.ts";
import { PromptLookup, promptLookupSettings } from "./prompt-lookup.ts";
import { QueueFullError, Scheduler, type SchedulerOptions } from "./scheduler.ts";
import type { AnswerSequence } from "./sequence.ts";

const VOCAB = 12;
const END = 0;
const GARBAGE = 99;
/** No answer has this token. */
const UNSEEN = 50;

/** The decoder's next token: a hash of all that its row of the cache holds. */
const nextToken = (tokens: readonly number[]): number =>
  tokens.reduce((hash, token) => (Math.imul(hash ^ token, 0x9e3779b1) >>> 7) + token, 17) % VOCAB;

/** The answer that a prompt gets alone. */
function answerTo(prompt: readonly number[], limit: number): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + limit) {
    tokens.push(nextToken(tokens));
    if (tokens.at(-1) === END) break;
  }
  return tokens.slice(prompt.length);
}

/** Stands for the decoder with its cache: its embeddings are the token ids, and its rows hold what was fed. */
class FakeDecoder {
  readonly rows: number[][] = [];
  readonly fed: number[][] = [];
  peaks = undefined;
  /** Called before every run and every copy; what it throws leaves the rows of that call undefined. */
  before: (what: "run" | "copy") => void | Promise<void> = () => {};
  readonly cache = {
    slots: 0,
    capacity: 64,
    ensure: async (slots: number) => {
      while (this.rows.length < slots) this.rows.push([]);
    },
    copy: async (from: number, to: number, length: number) => {
      this.rows[to] = new Array(length).fill(GARBAGE);
      await this.before("copy");
      this.rows[to] = this.rows[from]!.slice(0, length);
    },
  };
  rowsFor = (slots: readonly number[]) => slots;

  async run({ slots, tokens, embeds, lengths, logitRows }: DecoderStep): Promise<Float32Array> {
    const before = slots.map((slot, i) => this.rows[slot]!.slice(0, lengths[i]));
    for (const [i, slot] of slots.entries()) this.rows[slot] = new Array(lengths[i]! + tokens).fill(GARBAGE);
    await this.before("run");
    for (const [i, slot] of slots.entries()) {
      expect(before[i]).toHaveLength(lengths[i]!);
      const added = [...embeds.subarray(i * tokens, (i + 1) * tokens)];
      this.fed.push(added);
      this.rows[slot] = [...before[i]!, ...added];
    }
    const logits = new Float32Array(logitRows.length * VOCAB);
    for (const [row, place] of logitRows.entries()) {
      const [i, token] = [Math.floor(place / tokens), place % tokens];
      logits[row * VOCAB + nextToken(this.rows[slots[i]!]!.slice(0, lengths[i]! + token + 1))] = 1;
    }
    return logits;
  }
}

const idsAsEmbeddings: EmbeddingTable = {
  async read(ids, target, rows) {
    for (const [i, id] of ids.entries()) target[rows[i]!] = id;
  },
};

function setUp(options: Partial<SchedulerOptions> = {}) {
  const decoder = new FakeDecoder();
  const config = { hiddenSize: 1, vocabSize: VOCAB } as DecoderConfig;
  const limits = { maxBatch: 2, maxQueue: 100, prefillChunk: 3, ...options };
  const scheduler = new Scheduler(decoder as unknown as DecoderRunner, idsAsEmbeddings, config, limits);
  const buffers = new Candidates(VOCAB);
  /** Answers `ids`; the tokens, and how many of the prompt were cached. */
  const ask = async (ids: readonly number[], limit = 8, more: Partial<AnswerSequence> = {}) => {
    const tokens: number[] = [];
    const accept = ({ token }: Choice) => tokens.push(token) < limit && token !== END;
    const sampler = new Sampler(samplingSettings({}, VOCAB), ids, buffers);
    const report = await scheduler.submit({ kind: "answer", ids, images: [], sampler, accept, ...more });
    return { tokens, cached: report.cachedTokens, aborted: report.aborted };
  };
  return { decoder, scheduler, ask };
}

/** A prompt whose answer alone has at least `tokens` tokens. */
function longAnswered(tokens: number): number[] {
  for (let seed = 1; ; seed++) {
    const prompt = [1, 2, seed % VOCAB, (seed * 5) % VOCAB, seed % 7];
    if (answerTo(prompt, tokens).length === tokens && !answerTo(prompt, tokens).includes(END)) return prompt;
  }
}

describe("whatever fails, ends or is aborted beside it", () => {
  it("a request that ends has the answer that it has alone", async () => {
    const request = fc.record({
      ids: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 9 }),
      limit: fc.integer({ min: 1, max: 9 }),
      guess: fc.boolean(),
      abortAt: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
      later: fc.integer({ min: 0, max: 12 }),
    });
    const failing = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 12 }),
        failing,
        fc.integer({ min: 1, max: 3 }),
        async (requests, failures, maxBatch) => {
          const { decoder, scheduler, ask } = setUp({ maxBatch });
          let calls = 0;
          decoder.before = () => {
            if (failures.includes(calls++)) throw new Error("the run failed");
          };
          await Promise.all(
            requests.map(async ({ ids, limit, guess, abortAt, later }) => {
              for (let turn = 0; turn < later; turn++) await new Promise((resolve) => setImmediate(resolve));
              const abort = new AbortController();
              let chosen = 0;
              const prepare = () => {
                if (chosen++ === abortAt) abort.abort();
                return undefined;
              };
              const lookup = guess ? new PromptLookup(ids, promptLookupSettings({ ngram: 1 }), limit) : undefined;
              const more = { signal: abort.signal, prepare, lookup };
              const result = await ask(ids, limit, more).catch((error: Error) => error.message);
              if (typeof result === "string") return expect(result).toBe("the run failed");
              const alone = answerTo(ids, limit);
              expect(result.tokens).toEqual(result.aborted ? alone.slice(0, result.tokens.length) : alone);
            }),
          );
          expect([scheduler.running, scheduler.waiting]).toEqual([0, 0]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("what a slot holds", () => {
  const prompt = longAnswered(6);

  it("is forgotten after a run that failed", async () => {
    const { decoder, ask } = setUp({ maxBatch: 1 });
    let runs = 0;
    decoder.before = () => {
      if (runs++ === 3) throw new Error("the run failed");
    };
    await expect(ask(prompt)).rejects.toThrow("the run failed");
    expect(await ask(prompt)).toMatchObject({ cached: 0, tokens: answerTo(prompt, 8) });
  });

  it("is forgotten when the copy into it failed, so that nobody is answered from it", async () => {
    const { decoder, ask } = setUp({ maxBatch: 2 });
    await ask(prompt, 1);
    decoder.before = (what) => {
      if (what === "copy") throw new Error("the copy failed");
    };
    const branch = [...prompt.slice(0, 4), 9, 9];
    await expect(ask(branch)).rejects.toThrow("the copy failed");
    decoder.before = () => {};
    // Two other conversations take the place of the first, whose beginning the failed copy claimed to hold.
    await ask([7, 7, 7], 1);
    await ask([8, 8, 8], 1);
    expect(await ask(branch)).toMatchObject({ cached: 0, tokens: answerTo(branch, 8) });
  });

  it("stays longest where it was used last", async () => {
    const { ask } = setUp({ maxBatch: 2 });
    const [first, second] = [
      [1, 1, 1],
      [2, 2, 2],
    ];
    await Promise.all([ask(first, 6), ask(second, 1)]); // the first is still being answered when the second has ended
    await ask([3, 3, 3], 1);
    expect((await ask(first, 1)).cached).toBe(2);
  });
});

describe("requests that wait", () => {
  const prompt = longAnswered(8);

  it("are dropped from the queue when they are aborted, while another one is answered, and are never fed", async () => {
    const { decoder, scheduler, ask } = setUp({ maxBatch: 1 });
    const abort = new AbortController();
    const order: string[] = [];
    let runs = 0;
    decoder.before = () => {
      if (runs++ === 2) abort.abort();
    };
    const first = ask(prompt).then(() => order.push("answered"));
    const second = ask([UNSEEN, UNSEEN], 8, { signal: abort.signal }).then(({ aborted, tokens }) => {
      order.push("aborted");
      expect([aborted, tokens, scheduler.waiting, scheduler.running]).toEqual([true, [], 0, 1]);
    });
    await Promise.all([first, second]);
    expect(order).toEqual(["aborted", "answered"]);
    expect(decoder.fed.flat()).not.toContain(UNSEEN);
  });

  it("are refused beyond the queue's length", async () => {
    const { scheduler, ask } = setUp({ maxBatch: 1, maxQueue: 2 });
    const all = await Promise.allSettled([1, 2, 3, 4].map((id) => ask([id, id])));
    expect(all.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(2);
    const refused = all.filter((one) => one.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(QueueFullError);
    expect(scheduler.waiting).toBe(0);
  });
});

describe("drafts", () => {
  const prompt = longAnswered(8);
  const right = answerTo(prompt, 8);

  it.each([
    ["all wrong", [(right[1]! + 1) % VOCAB, 1], 0],
    ["right to the last", right.slice(1, 4), 3],
    ["right at first", [...right.slice(1, 3), (right[3]! + 1) % VOCAB], 2],
    ["right beyond the end", right.slice(1, 5), 2],
  ])("%s are counted as what the model chose too", async (name, draft, accepted) => {
    const { ask } = setUp();
    const observed: number[][] = [];
    const lookup = {
      propose: (generated: readonly number[]) => (generated.length === 1 && observed.length === 0 ? draft : []),
      observe: (...counts: number[]) => observed.push(counts),
    } as unknown as PromptLookup;
    const limit = name === "right beyond the end" ? 3 : 8;
    expect((await ask(prompt, limit, { lookup })).tokens).toEqual(right.slice(0, limit));
    expect(observed).toEqual([[draft.length, accepted]]);
  });
});

describe("a request that must first compute something for its next token", () => {
  /** Prepares at every place in a turn of its own, at most `places` times at once. */
  function gated() {
    const waiting: (() => void)[] = [];
    let prepared = -1;
    let place = 0;
    return {
      waiting,
      prepare: (): Promise<void> | undefined => {
        if (prepared === place) {
          prepared = -1;
          place += 1;
          return undefined;
        }
        return new Promise((resolve) => {
          waiting.push(() => {
            prepared = place;
            resolve();
          });
        });
      },
    };
  }

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("holds nobody else up, and gets the answer that it gets alone", async () => {
    const { ask } = setUp();
    const [slow, quick] = [longAnswered(5), longAnswered(8)];
    const { prepare, waiting } = gated();
    let ended = false;
    const held = ask(slow, 5, { prepare }).then((result) => {
      ended = true;
      return result;
    });
    while (waiting.length === 0) await turn();
    // All of the other's answer comes while this one waits.
    expect((await ask(quick, 8)).tokens).toEqual(answerTo(quick, 8));
    expect(ended).toBe(false);
    while (!ended) {
      waiting.shift()?.();
      await turn();
    }
    expect((await held).tokens).toEqual(answerTo(slow, 5));
  });

  it("can be aborted meanwhile, and leaves its slot to others", async () => {
    const { ask, scheduler } = setUp({ maxBatch: 1 });
    const { prepare, waiting } = gated();
    const controller = new AbortController();
    const held = ask(longAnswered(5), 5, { prepare, signal: controller.signal });
    while (waiting.length === 0) await turn();
    controller.abort();
    const next = longAnswered(4);
    const after = ask(next, 4);
    waiting.shift()!();
    expect((await held).aborted).toBe(true);
    expect((await after).tokens).toEqual(answerTo(next, 4));
    expect([scheduler.running, scheduler.waiting]).toEqual([0, 0]);
  });

  it("fails alone when that cannot be computed", async () => {
    const { ask } = setUp();
    const fault = new Error("too ambiguous");
    let failed = false;
    const prepare = () => {
      if (failed) throw fault;
      failed = true;
      return Promise.reject(fault);
    };
    const [one, other] = [longAnswered(5), longAnswered(6)];
    const [broken, fine] = await Promise.allSettled([ask(one, 5, { prepare }), ask(other, 6)]);
    expect(broken).toEqual({ status: "rejected", reason: fault });
    expect(fine).toMatchObject({ value: { tokens: answerTo(other, 6) } });
  });
});

/** @file A thread that owns one compiled grammar and steps its matchers; compiling can take seconds and may crash, so it happens here. */
import { parentPort, workerData } from "node:worker_threads";
import {
  ENDED,
  FLAG,
  type GrammarReply,
  type GrammarRequest,
  type GrammarStart,
  MASK,
  MASKED,
} from "./grammar-messages.ts";
import { loadXGrammar } from "./load-xgrammar.ts";

/** A run of more whitespace than this between two parts of JSON is a model that has lost its way. */
const MAX_WHITESPACE = 32;

/** The matcher's handle, which can do synchronously what the library's own method wraps in a promise. */
interface Handle {
  GetNextTokenBitmask(vocabSize: number): { size(): number; get(index: number): number; delete(): void };
}

type Matcher = Awaited<ReturnType<ReturnType<typeof loadXGrammar>["GrammarMatcher"]["createGrammarMatcher"]>>;

const { tokens, endTokens, schema } = workerData as GrammarStart;
const port = parentPort!;
const reply = (message: GrammarReply) => port.postMessage(message);

const { GrammarCompiler, GrammarMatcher, TokenizerInfo } = loadXGrammar();
const info = await TokenizerInfo.createTokenizerInfo(tokens, "byte_level", false, tokens.length, endTokens);
const compiler = await GrammarCompiler.createGrammarCompiler(info, false);
const matchers = new Map<number, { matcher: Matcher; flag: Int32Array; mask: Int32Array }>();

try {
  reply({ type: "compiling" });
  const grammar = await compiler.compileJSONSchema(
    JSON.stringify(schema),
    true,
    undefined,
    undefined,
    true,
    MAX_WHITESPACE,
  );
  const queue: GrammarRequest[] = [];
  let busy = false;
  port.on("message", (request: GrammarRequest) => {
    queue.push(request);
    if (!busy) void drain();
  });
  // "open" is asynchronous; a step that overtook it would find no matcher.
  const drain = async () => {
    busy = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (next.type === "open") {
        const matcher = await GrammarMatcher.createGrammarMatcher(grammar);
        const words = new Int32Array(next.shared);
        matchers.set(next.matcher, { matcher, flag: words.subarray(FLAG, MASK), mask: words.subarray(MASK) });
      } else if (next.type === "step") step(next.matcher, next.tokens);
      else {
        matchers.get(next.matcher)?.matcher.dispose();
        matchers.delete(next.matcher);
      }
    }
    busy = false;
  };
  reply({ type: "ready" });
} catch (error) {
  // The library's reason goes through another channel: it must have arrived when the failure is told.
  await new Promise<void>((arrived) => process.stderr.write("\n", () => arrived()));
  reply({ type: "failed", message: error instanceof Error ? error.message : String(error) });
}

function step(id: number, accepted: number[]): void {
  const entry = matchers.get(id);
  if (!entry) return;
  const { matcher, flag, mask } = entry;
  const fits = accepted.every((token) => matcher.acceptToken(token)) && !matcher.isTerminated();
  if (fits) {
    const { handle } = matcher as unknown as { handle: Handle };
    const words = handle.GetNextTokenBitmask(tokens.length);
    for (let index = 0; index < mask.length; index += 1) mask[index] = words.get(index);
    words.delete();
  }
  Atomics.store(flag, 0, fits ? MASKED : ENDED);
  Atomics.notify(flag, 0);
}

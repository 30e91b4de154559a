/** @file `tsx bench/prompt-lookup.ts --checkpoint DIR`: answers that copy, with and without drafts, in alternation. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Preset } from "../src/compile/index.ts";
import type { GenerateOptions, GenerateResult } from "../src/engine/index.ts";
import { FlashVL } from "../src/node/index.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { writeSection } from "./results-section.ts";

const ROUNDS = 3;
const TOKENS = 96;
const TEXT =
  "carrots 3.50 a kilo, white cabbage 1.20 a head, potatoes 0.90, leeks 2.40 a bundle, red onions 1.80, garlic 0.70 " +
  "each, tomatoes 4.20, cucumbers 1.10 each, spinach 2.90, mushrooms 3.30, ginger 6.50, spring onions 1.50 a bundle";

const { values } = parseArgs({
  options: {
    checkpoint: { type: "string", default: join(tmpdir(), "flashvl-2b") },
    cache: { type: "string", default: join(tmpdir(), "flashvl-2b-cache") },
    preset: { type: "string", default: "auto" },
  },
});

await using model = await FlashVL.fromPretrained(values.checkpoint, {
  preset: values.preset as Preset,
  cacheDir: values.cache,
});
const messages = [{ role: "user" as const, content: `Read this out: ${TEXT}` }];
const ids = model.tokenizer.encode(TEXT);
/** Random weights do not copy, so they are pushed to. What a step costs does not depend on which tokens win. */
const copying = (logits: Float32Array, generated: readonly number[]) => {
  logits[ids[generated.length % ids.length]!]! += 1000;
};
const free = () => {};
const tasks = { "copies a list from its prompt": copying, "random words, greedy": free };
const ask = (options: GenerateOptions) => model.generate(null, messages, { maxNewTokens: TOKENS, ...options });
const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** Whether both said the same; if not, how close the choice was at which they part. */
function comparison(plain: GenerateResult, drafts: GenerateResult): string {
  const at = plain.tokens.findIndex((token, i) => token !== drafts.tokens[i]);
  if (at < 0) return "same answer";
  const [best, second] = plain.topLogprobs![at]!;
  const margin = (best!.logprob - second!.logprob).toFixed(3);
  return `another answer from token ${at} on, where the two likeliest are ${margin} apart in logarithm`;
}

await ask({});
const rows: string[] = [];
for (const [task, logitsProcessor] of Object.entries(tasks)) {
  const times = { plain: [] as number[], drafts: [] as number[] };
  let said = "";
  for (let round = 0; round < ROUNDS; round++) {
    const plain = await ask({ logitsProcessor, topLogprobs: 2 });
    const drafts = await ask({ logitsProcessor, topLogprobs: 2, promptLookup: true });
    times.plain.push(plain.timings.perTokenMs);
    times.drafts.push(drafts.timings.perTokenMs);
    const { acceptedTokens, draftedTokens } = drafts.usage;
    said = `${acceptedTokens} of ${draftedTokens} guesses right, ${comparison(plain, drafts)}`;
  }
  const [plain, drafts] = [median(times.plain), median(times.drafts)];
  rows.push(
    `| ${task} | ${plain.toFixed(1)} ms | ${drafts.toFixed(1)} ms | ${(plain / drafts).toFixed(2)} | ${said} |`,
  );
}
const table = ["| task | plain, per token | with drafts | ratio | |", "|---|---|---|---|---|", ...rows].join("\n");
const about = `Random weights of the published sizes, ${values.preset}, ${TOKENS} tokens, medians of ${ROUNDS} in alternation, \`tsx bench/prompt-lookup.ts\`; ${machineLine(describeMachine())}.`;
writeSection("prompt-lookup", `## Prompt lookup\n\n${about}\n\n${table}`);
console.log(table);

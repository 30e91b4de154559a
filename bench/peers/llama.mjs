// Times llama.cpp on a GGUF file: `node llama.mjs FILE PROMPT_TOKENS NEW_TOKENS ROUNDS THREADS`; prints one line of JSON.
import { getLlama } from "node-llama-cpp";

const [file, promptTokens, newTokens, rounds, threads] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const began = performance.now();
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize: 1024, threads });
const readyS = (performance.now() - began) / 1000;
const sequence = context.getSequence();
const prefillMs = [];
const tokenMs = [];
let coldMs;
// Round 0 warms up and is told apart.
for (let round = 0; round <= rounds; round++) {
  await sequence.clearHistory();
  // Ids of ordinary words; which ones makes no difference to the work.
  const ids = Array.from({ length: promptTokens }, (_, i) => 1000 + ((i * 7919 + round) % 50000));
  const start = performance.now();
  let last = start;
  let count = 0;
  for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    const now = performance.now();
    if (round === 0) coldMs ??= now - start;
    else if (count === 0) prefillMs.push(now - start);
    else tokenMs.push(now - last);
    last = now;
    if (++count > newTokens) break;
  }
}
console.log(JSON.stringify({ readyS, coldMs, prefillMs, tokenMs, residentBytes: process.memoryUsage.rss() }));
await llama.dispose();
process.exit(0);

/** @file An answer as it is written, a second question about the same picture, and how long each took: `npx tsx examples/stream.ts`. */
import { FlashVL, type Message } from "flashvl";

const picture = new URL("board.png", import.meta.url).pathname;

await using model = await FlashVL.fromPretrained();
const messages: Message[] = [];
for (const question of ["What is in row 1, column 1?", "And what does it cost?"]) {
  // The picture belongs to the first turn. Its features and the whole conversation so far are cached.
  messages.push({ role: "user", content: question });
  process.stdout.write(`${question}\n  `);
  let answer = "";
  for await (const part of model.stream(picture, messages, { maxNewTokens: 128 })) {
    process.stdout.write(part.text);
    answer += part.text;
    if (part.done) {
      const { usage, timings } = part.result;
      console.log(
        `\n  first token ${timings.timeToFirstTokenMs.toFixed(0)} ms, ${usage.cachedTokens} of ${usage.promptTokens} prompt tokens cached`,
      );
    }
  }
  messages.push({ role: "assistant", content: answer });
}

/** @file One question about one picture: `npx tsx examples/chat.ts [picture] [question]`. */
import { FlashVL } from "flashvl";

const [
  picture = new URL("board.png", import.meta.url).pathname,
  question = "What is in row 1, column 2, and what does it cost?",
] = process.argv.slice(2);

// Without a name, the small model that ships with the package. A name such as "OpenGVLab/InternVL3-1B" is downloaded once.
await using model = await FlashVL.fromPretrained();
console.log(await model.chat(picture, [{ role: "user", content: question }], { maxNewTokens: 128 }));

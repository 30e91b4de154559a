/** @file The same question about every picture of a folder, batched; a picture that cannot be read costs only its own answer: `npx tsx examples/batch-folder.ts FOLDER QUESTION`. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FlashVL } from "flashvl";

const [folder = new URL("train/pictures", import.meta.url).pathname, question = "Which colour?"] =
  process.argv.slice(2);
const pictures = (await readdir(folder)).filter((name) => /\.(png|jpe?g|webp)$/i.test(name)).sort();

await using model = await FlashVL.fromPretrained(undefined, { maxBatch: 8 });
const results = await model.generateManySettled(
  pictures.map((name) => ({
    image: join(folder, name),
    messages: [{ role: "user", content: question }],
    options: { maxNewTokens: 64 },
  })),
);
for (const [i, result] of results.entries()) {
  const row = result.status === "fulfilled" ? { answer: result.value.text } : { error: String(result.reason) };
  console.log(JSON.stringify({ picture: pictures[i], ...row }));
}

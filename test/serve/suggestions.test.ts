// What the chat page suggests for the model that ships, asked of that model about the example picture.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AnswerSplitter } from "../../src/engine/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { temporaryFolder } from "../engine/support/models.ts";
import { root } from "./browser.ts";

/** Right answers by what examples/board.png shows; a new suggestion needs one here. */
const RIGHT: Record<string, RegExp> = {
  "What is in row 1, column 2, and what does it cost?": /snow pea.*\b7\.98\b/,
  "Which is the most expensive?": /^watermelon$/,
  "Describe this picture.":
    /^Row 1: lime ¥4\.90, snow pea ¥7\.98, watermelon ¥9\.90; row 2: grape ¥6\.80, garlic ¥8\.98, strawberry ¥5\.80\.$/,
  "说说图中第一行第二列是什么蔬菜,买一斤多少钱": /荷兰豆.*7\.98/,
  "哪种最贵?": /^西瓜$/,
  "描述这张图片。": /^第1行:青柠 ¥4\.90,荷兰豆 ¥7\.98,西瓜 ¥9\.90;第2行:葡萄 ¥6\.80,大蒜 ¥8\.98,草莓 ¥5\.80。$/,
};

const cacheDir = temporaryFolder();
let model: FlashVL;
beforeAll(async () => {
  model = await FlashVL.fromPretrained(undefined, { cacheDir, threads: 1 });
});
afterAll(() => model?.dispose());

test("the model that ships suggests, in the page's languages, questions that it answers right", async () => {
  const { suggestions, reads } = model.card;
  expect(Object.keys(suggestions!).sort()).toEqual(["en", "zh"]);
  expect(Object.keys(reads!).sort()).toEqual(["en", "zh"]);
  const questions = Object.values(suggestions!).flat();
  const wrong: string[] = [];
  const asked = questions.map((content) => ({
    image: join(root, "examples/board.png"),
    messages: [{ role: "user" as const, content }],
  }));
  for (const [i, { text }] of (await model.generateMany(asked)).entries()) {
    const splitter = new AnswerSplitter();
    const parts = [...splitter.push(text), ...splitter.end()];
    const answer = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    if (!RIGHT[questions[i]!]?.test(answer)) wrong.push(`${questions[i]} → ${answer}`);
  }
  expect(wrong).toEqual([]);
});

// Token ids, prompts and labels equal to what Python's tokenizers and the reference prompt give.
import { describe, expect, test } from "vitest";
import { buildPrompt, encodeConversation, Tokenizer, withImages } from "../../src/processor/index.ts";
import { type Expected, GOLDEN, qwenFiles, readJson, STATIC_TINY } from "./golden.ts";

const expected = readJson<Expected>(new URL("expected.json", STATIC_TINY));
const tiny = Tokenizer.fromJSON(
  readJson(new URL("tokenizer.json", STATIC_TINY)),
  readJson(new URL("tokenizer_config.json", STATIC_TINY)),
);
const imageTokens = 16;

describe("Qwen2.5", () => {
  const { json, config } = qwenFiles();
  const qwen = Tokenizer.fromJSON(json, config);
  const rows = readJson<{ text: string; ids: number[]; decoded: string }[]>(new URL("qwen2_5-tokenizer.json", GOLDEN));

  test.each(rows)("$text", ({ text, ids, decoded }) => {
    expect(qwen.encode(text, { controlTokens: true })).toEqual(ids);
    expect(qwen.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
  });
});

describe("the tiny checkpoint", () => {
  test.each(expected.tokenize)("tokenizes $text", ({ text, ids }) => {
    expect(tiny.encode(text, { controlTokens: true })).toEqual(ids);
  });

  test.each(expected.cases)("prompt and answer of $name", ({ image, messages, prompt_ids, generated, text }) => {
    const prompt = buildPrompt(tiny, withImages(image, messages), { imageTokens });
    expect(prompt.ids).toEqual(prompt_ids);
    expect(prompt.images).toEqual(image === null ? [] : [image]);
    expect(tiny.decode(generated)).toBe(text);
  });

  test.each([...["荷兰豆,16.8元", "The price is 12.5 yuan."].entries()])("labels of training row %i", (i, answer) => {
    const { input_ids, labels, image } = expected.sft.batch[i]!;
    const question = ["说说图中第一行第二列是什么蔬菜,买一斤多少钱", "What is the price?"][i]!;
    const row = encodeConversation(
      tiny,
      withImages(image, [
        { role: "user", content: question },
        { role: "assistant", content: answer },
      ]),
      { imageTokens },
    );
    expect(row).toEqual({ ids: input_ids, labels, images: [image] });
  });
});

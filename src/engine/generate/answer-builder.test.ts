/** @file Answers end where they should and show whole characters. */
import { describe, expect, it } from "vitest";
import type { TokenStream } from "../../processor/index.ts";
import { AnswerBuilder } from "./answer-builder.ts";
import type { TokenPart } from "./generate-options.ts";

/** Token ids are UTF-8 bytes; 256 ends an answer. */
const bytes = (): TokenStream => {
  const decoder = new TextDecoder();
  return {
    push: (id) => (id > 255 ? "" : decoder.decode(Uint8Array.of(id), { stream: true })),
    end: () => decoder.decode(),
  };
};
const answer = (text: string | number[], options: { maxNewTokens?: number; stop?: string[] } = {}) => {
  const parts: TokenPart[] = [];
  const limits = { endTokens: new Set([256]), maxNewTokens: 100, stop: [], ...options };
  const one = new AnswerBuilder(bytes(), limits, (part) => parts.push(part));
  const ids = typeof text === "string" ? [...new TextEncoder().encode(text)] : text;
  const taken = ids.findIndex((token) => !one.accept({ token }));
  return { one, parts, taken };
};

describe("an answer", () => {
  it("gives out whole characters only, and all of them", () => {
    const { one, parts } = answer("价🥦");
    expect(parts.map(({ text }) => text)).toEqual(["", "", "价", "", "", "", "🥦"]);
    expect([one.text, one.finishReason]).toEqual(["价🥦", undefined]);
  });

  it("ends at its end token, which is kept and not shown", () => {
    const { one, taken } = answer([72, 105, 256, 72]);
    expect([one.text, one.finishReason, one.tokens, taken]).toEqual(["Hi", "stop", [72, 105, 256], 2]);
  });

  it("shows what a stop string might have become when the limit ends it", () => {
    const { one, parts } = answer("abEN", { stop: ["END"], maxNewTokens: 4 });
    expect([one.text, one.finishReason]).toEqual(["abEN", "length"]);
    expect(parts.map(({ text }) => text)).toEqual(["a", "b", "", "EN"]);
  });

  it("shows an incomplete character as a replacement when it ends within one", () => {
    const half = [...new TextEncoder().encode("a价")].slice(0, 3);
    expect(answer(half, { maxNewTokens: 3 }).one.text).toBe("a\uFFFD");
    const { one } = answer(half);
    one.abort();
    expect([one.text, one.finishReason]).toEqual(["a\uFFFD", "abort"]);
  });

  it("ends before a stop string, also one completed by the last token allowed", () => {
    const { one, taken } = answer("price END of", { stop: ["END"] });
    expect([one.text, one.finishReason, taken]).toEqual(["price ", "stop", 8]);
    expect(answer("xEND", { stop: ["END"], maxNewTokens: 4 }).one).toMatchObject({ text: "x", finishReason: "stop" });
  });
});

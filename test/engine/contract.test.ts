/** @file The model has the shape that the server asks for. */
import { expect, it } from "vitest";
import { FlashVL } from "../../src/engine/index.ts";
import type { ChatModel } from "../../src/serve/chat-model.ts";

/** Compiles only if every FlashVL is a ChatModel. */
const asServed = (model: FlashVL): ChatModel => model;

it("a FlashVL is a ChatModel", () => {
  expect(asServed).toBeTypeOf("function");
  expect(Object.getOwnPropertyNames(FlashVL.prototype)).toEqual(
    expect.arrayContaining(["stream", "constrain", "stats"]),
  );
});

/** @file The cache of features keeps within its bytes. */
import { expect, it } from "vitest";
import { ByteLru } from "./byte-lru.ts";

it("forgets what was not used for longest, and keeps within its bytes", () => {
  const cache = new ByteLru<string>(10, (text) => text.length);
  cache.set("a", "1234");
  cache.set("b", "1234");
  cache.get("a");
  cache.set("c", "1234");
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["1234", undefined, "1234"]);
  expect(cache.bytes).toBe(8);
  cache.set("a", "12");
  expect(cache.bytes).toBe(6);
  cache.set("huge", "x".repeat(11));
  expect([cache.get("huge"), cache.bytes]).toEqual([undefined, 0]);
});

import { expect, it } from "vitest";
import { didYouMean, refuseUnknown } from "./did-you-mean.ts";

const KNOWN = ["maxNewTokens", "temperature", "seed", "stop"];

it("finds a name in another spelling, with a slip, or of another library", () => {
  expect(didYouMean("max_new_tokens", KNOWN)).toBe("maxNewTokens");
  expect(didYouMean("Temprature", KNOWN)).toBe("temperature");
  expect(didYouMean("max_tokens", KNOWN, { maxTokens: "maxNewTokens" })).toBe("maxNewTokens");
  expect(didYouMean("colour", KNOWN)).toBeUndefined();
});

it("refuses what is not known, by name, and takes undefined for absent", () => {
  refuseUnknown("option", { seed: 1, stop: undefined, colour: undefined }, KNOWN);
  expect(() => refuseUnknown("option", { max_new_tokens: 3 }, KNOWN)).toThrow(
    'There is no option "max_new_tokens". Did you mean "maxNewTokens"?',
  );
  expect(() => refuseUnknown("option", { colour: 1 }, KNOWN)).toThrow(
    'There is no option "colour". Expected one of maxNewTokens, temperature, seed, stop.',
  );
});

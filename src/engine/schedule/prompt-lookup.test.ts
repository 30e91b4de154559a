/** @file Drafts are what followed the same tokens before. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PromptLookup, promptLookupSettings } from "./prompt-lookup.ts";

describe("PromptLookup", () => {
  it("guesses what followed the latest place of the last n tokens", () => {
    const lookup = new PromptLookup([1, 2, 3, 7, 8, 1, 2, 3, 9, 5, 1, 2], promptLookupSettings({ tokens: 2 }), 100);
    expect(lookup.propose([])).toEqual([]);
    expect(lookup.propose([3])).toEqual([9, 5]);
    expect(lookup.propose([3, 7])).toEqual([8, 1]);
    expect(lookup.propose([3, 7, 4])).toEqual([]);
  });

  it("follows a loop at full length", () => {
    expect(new PromptLookup([6, 6, 6, 6], promptLookupSettings({ tokens: 5 }), 100).propose([])).toEqual([
      6, 6, 6, 6, 6,
    ]);
    expect(new PromptLookup([1, 2, 1, 2], promptLookupSettings({ ngram: 2, tokens: 5 }), 100).propose([])).toEqual([
      1, 2, 1, 2, 1,
    ]);
  });

  it("guesses no image slots and nothing beyond the answer's end", () => {
    const ids = [1, 2, 3, 4, -200, -201, 1, 2, 3];
    expect(new PromptLookup(ids, promptLookupSettings({}), 100).propose([])).toEqual([4]);
    const limited = new PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3], promptLookupSettings({}), 3);
    expect(limited.propose([])).toEqual([4, 5]);
    expect(limited.propose([4])).toEqual([5]);
    expect(limited.propose([4, 5])).toEqual([]);
  });

  it("drafts less after a wrong guess and more again after right ones", () => {
    const lookup = new PromptLookup([6, 6, 6, 6], promptLookupSettings({ tokens: 8 }), 100);
    const lengths = [0, 1, 2, 4, 3].map((accepted) => {
      const { length } = lookup.propose([]);
      lookup.observe(length, Math.min(accepted, length));
      return length;
    });
    expect(lengths).toEqual([8, 1, 2, 4, 8]);
    expect([lookup.drafted, lookup.accepted]).toEqual([23, 10]);
  });

  it("finds every earlier occurrence that a plain search finds", () => {
    const ids = fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(ids, ids, fc.integer({ min: 1, max: 4 }), (prompt, answer, ngram) => {
        const all = [...prompt, ...answer];
        const tail = all.slice(-ngram).join();
        let next: number | undefined;
        for (let end = ngram; end < all.length; end++) if (all.slice(end - ngram, end).join() === tail) next = all[end];
        const expected = all.length < ngram || next === undefined || next < 0 ? [] : [next];
        expect(new PromptLookup(prompt, promptLookupSettings({ ngram, tokens: 1 }), 1000).propose(answer)).toEqual(
          expected,
        );
      }),
      { numRuns: 300 },
    );
  });

  it("refuses settings outside their limits", () => {
    expect(() => new PromptLookup([], promptLookupSettings({ ngram: 0 }), 1)).toThrow(
      /promptLookup\.ngram must be .* 1 to 16; found 0/,
    );
    expect(() => new PromptLookup([], promptLookupSettings({ tokens: 1.5 }), 1)).toThrow(
      /promptLookup\.tokens must be .* 1 to 64; found 1.5/,
    );
  });
});

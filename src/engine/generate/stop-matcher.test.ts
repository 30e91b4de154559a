/** @file Stop strings are found however the text is split. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopMatcher } from "./stop-matcher.ts";

describe("StopMatcher", () => {
  it("cuts the text before the first stop string, however it is split", () => {
    const letters = fc.constantFrom("a", "b", "c");
    const word = (max: number) => fc.array(letters, { minLength: 1, maxLength: max }).map((chars) => chars.join(""));
    fc.assert(
      fc.property(
        fc.array(word(4), { maxLength: 12 }),
        fc.array(word(4), { minLength: 1, maxLength: 3 }),
        (pieces, stops) => {
          const whole = pieces.join("");
          const at = stops.map((stop) => whole.indexOf(stop)).filter((index) => index >= 0);
          const matcher = new StopMatcher(stops);
          let text = "";
          let stopped = false;
          for (const piece of pieces) {
            const step = matcher.push(piece);
            text += step.text;
            stopped = step.stopped;
            if (stopped) break;
          }
          if (!stopped) text += matcher.end();
          expect(stopped).toBe(at.length > 0);
          // A longer stop string that begins earlier may end in a later piece than a short one: the short one wins then.
          const firsts = at.length > 0 ? at.map((index) => whole.slice(0, index)) : [whole];
          expect(firsts).toContain(text);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("holds back only what could become a stop string", () => {
    const matcher = new StopMatcher(["END"]);
    expect(matcher.push("the E")).toEqual({ text: "the ", stopped: false });
    expect(matcher.push("N")).toEqual({ text: "", stopped: false });
    expect(matcher.push("X")).toEqual({ text: "ENX", stopped: false });
    expect(new StopMatcher(["b", "ab"]).push("xabc")).toEqual({ text: "x", stopped: true, stop: "ab" });
    expect(matcher.end()).toBe("");
  });
});

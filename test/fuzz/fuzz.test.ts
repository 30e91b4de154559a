/** @file A little of `npm run fuzz` with every run of the tests: the corpora themselves, and the same few inputs made from each. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deriveSeed, Random } from "../../src/common/index.ts";
import { change } from "./change.ts";
import { faultOf } from "./target.ts";
import { targets } from "./targets.ts";

const LONG = process.env.FLASHVL_LONG === "1";

it.each([...targets])("%s: hostile inputs are read or refused", async (_, open) => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-fuzz-"));
  try {
    const target = await open(folder);
    const random = new Random(deriveSeed(18, [...targets.values()].indexOf(open)));
    const made = Array.from({ length: LONG ? 2_000 : target.slow ? 2 : 24 }, () =>
      change(random, target.corpus, target.json ?? false),
    );
    for (const input of target.slow ? made : [...target.corpus, ...made]) {
      const fault = await target.run(input).then(() => undefined, faultOf);
      expect(fault, Buffer.from(input).toString("base64").slice(0, 2000)).toBeUndefined();
    }
    await target.close?.();
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("what counts as a fault", () => {
  it("is an error of the program's own, or none that says anything", () => {
    const broken = () => (undefined as unknown as { a: string }).a;
    let error: unknown;
    try {
      broken();
    } catch (found) {
      error = found;
    }
    expect(faultOf(error)).toMatch(/the program's own/);
    expect(faultOf(new Error(""))).toMatch(/says nothing/);
    expect(faultOf("text")).toMatch(/no Error/);
    expect(faultOf(new Error("The file is empty."))).toBeUndefined();
  });
});

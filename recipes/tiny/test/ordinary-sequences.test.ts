// Samples of ordinary asking repeat, resume at any number, fit their room and know what every picture shows.

import { readSampleContext, type Sequence } from "flashvl/train";
import { expect, test } from "vitest";
import type { MarketExtras } from "../lessons/extras.ts";
import { ordinarySequences } from "../ordinary-sequences.ts";

const context = await readSampleContext(new URL("../../../models/flashvl-tiny", import.meta.url).pathname);
const usual = {
  seed: 5,
  wide: 0.5,
  sheets: 0.2,
  pairs: 0,
  plain: 0.4,
  tokensPerPicture: 400,
  longest: 640,
  workers: 0,
};

async function take(count: number, start: number, options = usual): Promise<Sequence[]> {
  const taken: Sequence[] = [];
  for await (const one of ordinarySequences(context, options, start)) if (taken.push(one) === count) break;
  return taken;
}

test("a run that goes on at a number has the samples of one that never stopped", async () => {
  const whole = await take(4, 0);
  expect(await take(1, 3)).toEqual(whole.slice(3));
  for (const { ids, pictures, extras } of whole) {
    expect(ids.length).toBeLessThanOrEqual(usual.tokensPerPicture);
    expect(ids.filter((id) => id < 0)).toHaveLength(pictures.length * context.imageTokens);
    expect((extras as unknown as MarketExtras | undefined)?.views.length ?? 0).toBe(pictures.length);
  }
});

test("a sample with two boards has both pictures, the labels of both, and no pointers", async () => {
  const samples = await take(6, 0, { ...usual, pairs: 1, sheets: 0 });
  const pairs = samples.filter(({ pictures }) => pictures.length === 2);
  expect(pairs.length).toBeGreaterThan(0);
  for (const { ids, extras } of pairs) {
    const { views, pointers } = extras as unknown as MarketExtras;
    expect(ids.length).toBeLessThanOrEqual(usual.longest);
    expect(ids.filter((id) => id < 0)).toHaveLength(2 * context.imageTokens);
    expect(views[0]!.patchLabels).not.toEqual(views[1]!.patchLabels);
    expect(pointers).toEqual([]);
  }
});

test("a learning sheet has labels nearly everywhere, and one short question", async () => {
  const [sheet] = await take(1, 0, { ...usual, sheets: 1 });
  const { patchLabels } = (sheet!.extras as unknown as MarketExtras).views[0]!;
  expect([...(patchLabels as Uint8Array)].filter((label) => label > 0).length).toBeGreaterThan(150);
  expect(sheet!.ids.length).toBeLessThan(200);
});

/** @file Twenty thousand rows with planted duplicates, contamination and faults: nearly all are found, and nothing else goes. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { foundIn } from "../../bench/data/found.ts";
import { generate, PIPELINE } from "../../bench/data/generate.ts";
import { parsePipeline, runPipeline } from "../../src/data/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-planted-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("recall is at least 99 % and precision 99.9 % of each kind, within little memory", async () => {
  const planted = await generate(folder, 20_000);
  const out = join(folder, "out");
  await runPipeline(parsePipeline(PIPELINE, join(folder, "pipeline.yaml")), { out, memory: "200MB", threads: 2 });
  const found = await foundIn(folder, out);
  expect(found.broken.planted).toBe(planted.broken);
  expect(found.contaminated.planted).toBe(planted.contaminated);
  expect(found.duplicates.planted).toBe(planted.duplicates);
  for (const [kind, { recall, precision }] of Object.entries(found)) {
    expect(recall, `recall of ${kind}`).toBeGreaterThanOrEqual(0.99);
    expect(precision, `precision of ${kind}`).toBeGreaterThanOrEqual(0.999);
  }
});

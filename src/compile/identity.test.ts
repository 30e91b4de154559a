/** @file Compiled graphs belong to one checkpoint: whatever is changed in it, its identity changes too. */
import { cp, mkdir, mkdtemp, open, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCheckpoint } from "../hub/index.ts";
import { checkpointIdentity } from "./identity.ts";

const GOLDEN = fileURLToPath(new URL("../../test/golden/static-tiny/", import.meta.url));
let folder: string;
let first: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-identity-"));
  await copy("first");
  first = await identity("first");
});
afterAll(() => rm(folder, { recursive: true }));

/** A copy of the tiny checkpoint, of the same age as the first. */
async function copy(name: string): Promise<string> {
  await mkdir(join(folder, name));
  for (const file of ["config.json", "model.safetensors"]) await cp(join(GOLDEN, file), join(folder, name, file));
  return join(folder, name, "model.safetensors");
}

async function identity(name: string): Promise<string> {
  const weights = join(folder, name, "model.safetensors");
  await utimes(weights, 1_700_000_000, 1_700_000_000);
  const checkpoint = await openCheckpoint(join(folder, name));
  try {
    return await checkpointIdentity(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

test("a copy of the same size and time is the same", async () => {
  await copy("same");
  expect(await identity("same")).toBe(first);
});

test("weights of another fine-tune differ, though sizes, times and headers are the same", async () => {
  const path = await copy("tuned");
  const { size } = await stat(path);
  const file = await open(path, "r+");
  const data = Buffer.alloc(size - 65_536);
  await file.read(data, 0, data.length, 65_536);
  await file.write(
    data.map((byte) => byte ^ 1),
    0,
    data.length,
    65_536,
  );
  await file.close();
  expect(await identity("tuned")).not.toBe(first);
});

test("another configuration differs", async () => {
  await copy("config");
  const path = join(folder, "config", "config.json");
  const json = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...json, llm_config: { ...json.llm_config, rope_theta: 12_345 } }));
  expect(await identity("config")).not.toBe(first);
});

/** @file What benchmarks of the published sizes ask: the random checkpoint, pictures that no cache knows, answers that do not end early. */
import { existsSync } from "node:fs";
import { run as runCli } from "../../src/cli/run.ts";
import type { FlashVL } from "../../src/node/index.ts";
import type { Message, RgbImage } from "../../src/processor/index.ts";

const SIZE = 512;

/** The random checkpoint in `folder`, made there if it is not. */
export async function makeCheckpoint(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const code = await runCli(["init", "--like", "FlashVL-2B-Static", folder, "--seed", "1"]);
  if (code !== 0) throw new Error(`The random checkpoint could not be made in ${folder}.`);
}

/** A picture of its own for each round: none may come from the cache. */
export const picture = (round: number): RgbImage => ({
  data: Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * 31 + round * 97) >> 3),
  width: SIZE,
  height: SIZE,
});

/** The question about it. */
export const question = (round: number): Message => ({
  role: "user",
  content: `Describe picture ${round} in one sentence, please.`,
});

/** The option without which end tokens would make answers of random weights end early. */
export const withoutEnd = (model: FlashVL) => ({
  logitBias: Object.fromEntries(model.config.decoder.eosTokenIds.map((id) => [id, -100])),
});

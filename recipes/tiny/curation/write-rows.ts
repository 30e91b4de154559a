/**
 * @file Writes questions about drawn boards as a data file with its pictures, for `flashvl data` and the stages of files:
 * `tsx -C flashvl-source recipes/tiny/curation/write-rows.ts --out runs/tiny/pairs --rows 4000 --families 3,4,5`; with `--noise` the
 * file is as data from the web is.
 */

import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { families as allFamilies, createRandom, type Family } from "../market/index.ts";
import { ordinaryRows } from "../ordinary-sequences.ts";
import { type DataRow, drawNoise, noisy } from "./noise.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    rows: { type: "string", default: "4000" },
    /** Another seed draws other boards; those of training, test sets are never among them. */
    seed: { type: "string", default: "61" },
    families: { type: "string", default: allFamilies.join(",") },
    noise: { type: "boolean", default: false },
  },
});
if (values.out === undefined) throw new Error("The folder of the rows is missing: give --out FOLDER.");
const out = values.out;
const [count, seed] = [Number(values.rows), Number(values.seed)];
const families = values.families.split(",").map(Number) as Family[];
const unknown = families.find((family) => !allFamilies.includes(family));
if (unknown !== undefined) throw new Error(`Found the family ${unknown}, expected some of ${allFamilies.join(",")}.`);

await mkdir(out, { recursive: true });
const file = join(out, "rows.jsonl");
await rm(file, { force: true });
const random = createRandom(seed, 977);
/** Of each family the row before: its answer is a wrong one of the right form. */
const before = new Map<number, DataRow>();
let written = 0;
for await (const drawn of ordinaryRows({ seed, families, wide: 0.5, plain: 0.4, workers: 1 }, 0)) {
  const { id, image, question, answer, family, gold } = drawn;
  const row: DataRow = { id: `${written}-${id}`, image: `${written}.png`, question, answer, family, gold };
  const noise = values.noise ? drawNoise(random) : undefined;
  const rows = noisy(row, noise, before.get(family) ?? row);
  before.set(family, row);
  const raw = { width: image.width, height: image.height, channels: 3 as const };
  const picture = sharp(image.data, { raw });
  if (noise === "blurred")
    await picture
      .blur(6)
      .png()
      .toFile(join(out, `${written}-blurred.png`));
  else if (noise !== "missing") await picture.png().toFile(join(out, row.image));
  await appendFile(file, rows.map((one) => `${JSON.stringify(one)}\n`).join(""));
  if (++written === count) break;
}
console.log(`${written} questions are in ${file}`);

/** @file Rows with planted duplicates, contamination and faults, of which each says what it is: for measuring what a pipeline finds. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import sharp from "sharp";
import { Random } from "../../src/common/index.ts";

export interface Planted {
  readonly rows: number;
  /** Rows that say what another one says: the same words, a few changed, or about a picture that was stored again. */
  readonly duplicates: number;
  /** Rows with a question or a picture of the benchmark set. */
  readonly contaminated: number;
  /** Rows without a question, or whose picture is missing or cut. */
  readonly broken: number;
}

const VOCABULARY = 30_000;
const MOST_SET_ROWS = 1000;
const MOST_PICTURES = 10_000;
/** Of the originals as many show a picture. */
const WITH_PICTURE = 0.1;

/** A picture of coarse random fields, and the same smaller, a little brighter, as a poor JPEG. */
async function drawPicture(random: Random, folder: string, name: string): Promise<void> {
  const raw = { width: 6, height: 6, channels: 3 as const };
  const fields = Uint8Array.from({ length: 6 * 6 * 3 }, () => random.below(256));
  const picture = await sharp(fields, { raw }).resize(96, 72, { kernel: "cubic", fit: "fill" }).png().toBuffer();
  await writeFile(join(folder, `${name}.png`), picture);
  const again = sharp(picture).resize(80, 60, { fit: "fill" }).modulate({ brightness: 1.03 }).jpeg({ quality: 60 });
  await writeFile(join(folder, `${name}-again.jpg`), await again.toBuffer());
}

/**
 * Writes `rows.jsonl` (each row with `group`: what says the same has the same, and `kind`), `pictures/`, and `bench.tsv`, a set in
 * VLMEvalKit's form. The rows are in random order.
 * @returns how much of what was planted
 */
export async function generate(folder: string, rows: number, seed = 1): Promise<Planted> {
  const random = new Random(seed);
  const pictures = join(folder, "pictures");
  await mkdir(pictures, { recursive: true });
  const letters = "bcdfghklmnprstvw";
  const words = Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: 2 + random.below(2) }, () => letters[random.below(16)]! + "aeiou"[random.below(5)]!).join(""),
  );
  const text = (count: number): string[] => Array.from({ length: count }, () => words[random.below(VOCABULARY)]!);

  // ---- the set, with pictures of its own
  const setRows = Math.min(MOST_SET_ROWS, Math.ceil(rows / 200));
  const lines = ["index\tquestion\tanswer\timage"];
  const tested: string[] = [];
  for (let i = 0; i < setRows; i++) {
    const name = `set-${i}`;
    await drawPicture(random, pictures, name);
    tested.push(text(14).join(" "));
    const bytes = await sharp(join(pictures, `${name}.png`))
      .png({ compressionLevel: 9 })
      .toBuffer();
    lines.push(`${i}\t${tested[i]}\t${text(2).join(" ")}\t${bytes.toString("base64")}`);
  }
  await writeFile(join(folder, "bench.tsv"), `${lines.join("\n")}\n`);

  // ---- what each row will be, in random order
  const counts = { contaminated: Math.round(rows * 0.002), broken: Math.round(rows * 0.005), duplicates: rows >> 1 };
  const originals = rows - counts.duplicates - counts.contaminated - counts.broken;
  const shown = Math.round(originals * WITH_PICTURE);
  const drawn = Math.max(10, Math.min(shown, rows / 100, MOST_PICTURES));
  for (let i = 0; i < drawn; i++) await drawPicture(random, pictures, `p${i}`);
  const order = new Uint32Array(rows).map((_, i) => i);
  for (let i = rows - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  /** The words of an original, at least 31, so that one that is changed leaves 26 of 32 runs of three, 0.81: the same for every row that says what it says. */
  const original = (group: number) => {
    const own = new Random(seed * 1_000_003 + group);
    const pick = (count: number) => Array.from({ length: count }, () => words[own.below(VOCABULARY)]!);
    return { question: pick(11 + own.below(12)), answer: pick(20 + own.below(20)) };
  };
  const changed = (list: readonly string[], group: number, at: number): string[] =>
    list.map((word, i) => (i === (group + at) % list.length ? words[random.below(VOCABULARY)]! : word));
  const rowOf = (number: number): object => {
    if (number < originals) {
      const { question, answer } = original(number);
      const image = number < shown ? { image: `p${number % drawn}.png` } : {};
      return { group: number, kind: "original", ...image, question: question.join(" "), answer: answer.join(" ") };
    }
    if (number < originals + counts.duplicates) {
      const group = random.below(originals);
      const { question, answer } = original(group);
      const near = random.below(2) === 1;
      const image = group < shown ? { image: `p${group % drawn}${near ? "-again.jpg" : ".png"}` } : {};
      const spoken = near
        ? { question: question.join(" "), answer: changed(answer, group, 3).join(" ") }
        : { question: question.join("  ").toUpperCase(), answer: `${answer.join(" ")}.` };
      return { group, kind: near ? "near" : "exact", ...image, ...spoken };
    }
    const group = number;
    if (number < originals + counts.duplicates + counts.contaminated) {
      const of = random.below(setRows);
      return number % 2
        ? {
            group,
            kind: "question",
            question: [...text(3), tested[of], ...text(2)].join(" "),
            answer: text(12).join(" "),
          }
        : {
            group,
            kind: "picture",
            image: `set-${of}-again.jpg`,
            question: text(9).join(" "),
            answer: text(12).join(" "),
          };
    }
    const answer = text(12).join(" ");
    return number % 2
      ? { group, kind: "broken", answer }
      : { group, kind: "broken", image: `missing-${number}.png`, question: text(9).join(" "), answer };
  };
  const file = createWriteStream(join(folder, "rows.jsonl"));
  for (let i = 0; i < rows; ) {
    let block = "";
    for (const end = Math.min(rows, i + 1000); i < end; i++) block += `${JSON.stringify(rowOf(order[i]!))}\n`;
    if (!file.write(block)) await once(file, "drain");
  }
  file.end();
  await finished(file);
  return { rows, ...counts };
}

/** The pipeline that is measured. */
export const PIPELINE = {
  images: "pictures",
  steps: [
    { name: "sound", filter: { from: "rows.jsonl", where: "_fault IS NULL" } },
    { name: "unique", dedup: { from: "sound", near: { pictures: 10, text: 0.8 } } },
    { name: "untested", decontaminate: { from: "unique", sets: ["bench.tsv"] } },
  ],
};

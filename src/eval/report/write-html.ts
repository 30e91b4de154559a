/** @file Writes the side-by-side page of a scored set, picture by picture, so that any number of rows fits in memory. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import sharp from "sharp";
import { type ImageInput, loadImage } from "../../processor/index.ts";
import type { Scored } from "../../tasks/index.ts";
import type { Bench } from "../run/bench.ts";
import { PAGE_END, pageHead, pageRow } from "./html-page.ts";

/** Longer side of a picture on the page, in pixels. */
const THUMBNAIL = 240;
/** A page of more rows is too heavy for a browser; wrong rows go first. */
export const MAX_PAGE_ROWS = 2000;

/** A small JPEG of the picture as a data URL; nothing for a picture that cannot be read. */
async function thumbnail(image: ImageInput): Promise<string[]> {
  try {
    const { data, width, height } = await loadImage(image);
    const small = await sharp(data, { raw: { width, height, channels: 3 } })
      .resize({ width: THUMBNAIL, height: THUMBNAIL, fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 70 })
      .toBuffer();
    return [`data:image/jpeg;base64,${small.toString("base64")}`];
  } catch {
    return [];
  }
}

const OPTION = /^[A-Z]$/;

/** @returns how many rows the page shows */
export async function writeHtml(
  path: string,
  title: string,
  bench: Bench,
  scored: readonly Scored[],
  replies: ReadonlyMap<string, string>,
): Promise<number> {
  const wrongFirst = [...scored].sort((a, b) => a.score.value - b.score.value).slice(0, MAX_PAGE_ROWS);
  const shown = new Map((scored.length > MAX_PAGE_ROWS ? wrongFirst : scored).map((row) => [row.index, row]));
  const categoryOf = (row: Scored) => row.cells.category ?? row.cells.family ?? row.cells.subject ?? "";
  const categories = [...new Set([...shown.values()].map(categoryOf))].filter((name) => name !== "").sort();
  const file = createWriteStream(path);
  const write = async (text: string) => {
    if (!file.write(text)) await once(file, "drain");
  };
  await write(pageHead(title, categories));
  for await (const { key, prompt } of bench.rows()) {
    const row = shown.get(key);
    if (!row) continue;
    const { images, messages } = await prompt();
    const inText = messages.flatMap(({ content }) =>
      typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image" ? [part.image] : [])),
    );
    const pictures = (await Promise.all([...images, ...inText].map(thumbnail))).flat();
    const options = Object.entries(row.cells).filter(([name, text]) => OPTION.test(name) && text !== null);
    await write(
      pageRow({
        index: row.index,
        pictures,
        question: row.cells.question ?? "",
        options: options.map(([name, text]) => `${name}. ${text}`),
        truth: row.cells.answer ?? "",
        answer: replies.get(row.index) ?? "",
        extracted: row.score.extracted,
        value: row.score.value,
        decision: row.score.decision,
        category: categoryOf(row),
      }),
    );
  }
  file.end(PAGE_END);
  await finished(file);
  return shown.size;
}

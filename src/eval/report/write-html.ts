/** @file Writes the side-by-side page of a scored set, picture by picture, so that any number of rows fits in memory. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import sharp from "sharp";
import { type ImageInput, loadImage } from "../../processor/index.ts";
import type { Scored } from "../../vlmeval/index.ts";
import type { Bench, BenchRow } from "../run/bench.ts";
import { PAGE_END, type PageRow, pageHead, pageRow } from "./html-page.ts";
import type { SetResult } from "./result.ts";

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
  result: SetResult,
  bench: Bench,
  scored: readonly Scored[],
  replies: ReadonlyMap<string, string>,
): Promise<number> {
  const wrongFirst = [...scored].sort((a, b) => a.score.value - b.score.value).slice(0, MAX_PAGE_ROWS);
  const shown = new Map((scored.length > MAX_PAGE_ROWS ? wrongFirst : scored).map((row) => [row.index, row]));
  const categoryOf = (row: Scored) => row.cells.category ?? row.cells.family ?? row.cells.subject ?? "";
  const categories = [...new Set([...shown.values()].map(categoryOf))].filter((name) => name !== "").sort();
  async function* page(): AsyncGenerator<string> {
    yield pageHead(`${result.model} on ${result.dataset}`, result, categories);
    for await (const { key, prompt } of bench.rows()) {
      const row = shown.get(key);
      if (row) yield pageRow(await onPage(row, prompt, replies, categoryOf(row)));
    }
    yield PAGE_END;
  }
  await pipeline(page, createWriteStream(path));
  return shown.size;
}

async function onPage(
  row: Scored,
  prompt: BenchRow["prompt"],
  replies: ReadonlyMap<string, string>,
  category: string,
): Promise<PageRow> {
  const { images, messages } = await prompt();
  const inText = messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image" ? [part.image] : [])),
  );
  const options = Object.entries(row.cells).filter(([name, text]) => OPTION.test(name) && text !== null);
  return {
    index: row.index,
    pictures: (await Promise.all([...images, ...inText].map(thumbnail))).flat(),
    question: row.cells.question ?? "",
    options: options.map(([name, text]) => `${name}. ${text}`),
    truth: row.cells.answer ?? "",
    answer: replies.get(row.index) ?? "",
    extracted: row.score.extracted,
    value: row.score.value,
    decision: row.score.decision,
    category,
  };
}

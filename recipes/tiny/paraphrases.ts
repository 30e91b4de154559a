/** @file The questions of `paraphrases.json`, which were written by hand, asked about test pictures that can answer them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Task } from "flashvl/tasks";
import { z } from "zod";
import {
  chineseNumber,
  createRandom,
  drawBoards,
  englishOrdinal,
  type FilledCell,
  filledCells,
  type Gold,
  kinds,
  type Language,
  nameOf,
  type PriceBoard,
  scoreAnswer,
  seedRanges,
} from "./market/index.ts";
import type { OrdinaryRow } from "./ordinary-tasks.ts";

const FORMS = [
  "offer",
  "kind",
  "price",
  "price-of",
  "where",
  "any",
  "no-any",
  "no-price-of",
  "cheapest",
  "dearest",
  "dearer",
  "kinds",
  "sum",
  "difference",
  "unanswerable",
] as const;

const written = z.array(
  z.strictObject({
    language: z.enum(["zh", "en"]),
    form: z.enum(FORMS),
    text: z.string(),
  }),
);
type Paraphrase = z.infer<typeof written>[number];

const read = (): Paraphrase[] =>
  written.parse(JSON.parse(readFileSync(join(import.meta.dirname, "paraphrases.json"), "utf8")));

const PARAPHRASES = 207;

/** What the right answer says, about these two cells; undefined where the board cannot tell. */
function goldOf(form: string, board: PriceBoard, a: FilledCell, b: FilledCell): Gold | undefined {
  const sorted = filledCells(board).toSorted((x, y) => x.cents - y.cents);
  const price = (value: number): Gold => ({ kind: "price", value });
  const kind = (value: string): Gold => ({ kind: "kind", value });
  switch (form) {
    case "offer":
      return { kind: "offer", value: { kind: a.kind, cents: a.cents } };
    case "kind":
      return kind(a.kind);
    case "price":
    case "price-of":
      return price(a.cents);
    case "where":
      return { kind: "place", value: { row: a.row, column: a.column } };
    case "any":
    case "no-any":
      return { kind: "yesno", value: form === "any" };
    case "cheapest":
      return sorted[0]!.cents === sorted[1]!.cents ? undefined : kind(sorted[0]!.kind);
    case "dearest":
      return sorted.at(-1)!.cents === sorted.at(-2)!.cents ? undefined : kind(sorted.at(-1)!.kind);
    case "dearer":
      return a.cents === b.cents ? undefined : kind((a.cents > b.cents ? a : b).kind);
    case "kinds":
      return { kind: "count", value: new Set(sorted.map((cell) => cell.kind)).size };
    case "sum":
      return price(a.cents + b.cents);
    case "difference":
      return a.cents === b.cents ? undefined : price(Math.abs(a.cents - b.cents));
    default:
      return { kind: "absent", value: null };
  }
}

function fill(text: string, language: Language, [a, b]: FilledCell[], name: string): string {
  const words: Record<string, string> = {
    name,
    a: nameOf(a!.kind, language),
    b: nameOf(b!.kind, language),
    r: String(a!.row),
    c: String(a!.column),
    ro: englishOrdinal(a!.row),
    co: englishOrdinal(a!.column),
    rz: chineseNumber(a!.row),
    cz: chineseNumber(a!.column),
  };
  return text.replace(/\{(\w+)\}/g, (_, key: string) => words[key]!);
}

/**
 * Each paraphrase about one board of its own; those that no picture answers, or the others.
 * @example for await (const row of paraphrases().rows()) …
 */
export function paraphrases({ unanswerable = false } = {}): Task<OrdinaryRow> {
  return {
    name: unanswerable ? "ordinary/unanswerable" : "ordinary/paraphrases",
    async *rows() {
      const list = read().filter(({ form }) => (form === "unanswerable") === unanswerable);
      const first = seedRanges["wide-test"].first + (unanswerable ? 12_000 : 10_000);
      let at = 0;
      function* seeds() {
        for (let i = 0; at < list.length; i++) yield first + i;
      }
      for await (const { image, board, seed } of drawBoards({ seeds: seeds(), split: "wide-test", scene: "board" })) {
        const paraphrase = list[at];
        if (!paraphrase) return;
        const { form, language, text } = paraphrase;
        if (board.scene !== "board" || filledCells(board).length < 3) continue;
        const random = createRandom(seed, PARAPHRASES);
        const pair = random.sample(filledCells(board), 2);
        const there = new Set(filledCells(board).map((cell) => cell.kind));
        const gold = goldOf(form, board, pair[0]!, pair[1]!);
        if (!gold) continue;
        const named = form.startsWith("no-") ? random.pick(kinds.filter(({ id }) => !there.has(id))).id : pair[0]!.kind;
        const question = fill(text, language, pair, nameOf(named, language));
        yield {
          id: `${seed}-${at++}`,
          family: form,
          language,
          question,
          answer: "",
          messages: [
            {
              role: "user",
              content: [
                { type: "image", image },
                { type: "text", text: question },
              ],
            },
          ],
          gold,
        };
      }
    },
    prompt: ({ messages }) => ({ images: [], messages }),
    score: (row, answer) => scoreAnswer(row.gold, answer),
  };
}

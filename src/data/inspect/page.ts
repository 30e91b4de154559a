/** @file The page of an inspection: numbers, charts and rows with their pictures; it loads nothing and runs nothing. */

import { createHash } from "node:crypto";
import { bars, escapeHtml } from "./bars.ts";
import type { Chart } from "./summary.ts";

/** A row as the page shows it. */
export interface ShownRow {
  readonly row: number;
  /** Small pictures as data URLs. */
  readonly pictures: readonly string[];
  readonly question: string;
  readonly answer: string;
  /** What is said about it, such as its tokens or its fault. */
  readonly notes: readonly string[];
}

export interface Inspection {
  readonly title: string;
  readonly totals: Readonly<Record<string, number>>;
  readonly charts: readonly Chart[];
  readonly rows: readonly ShownRow[];
  /** Rows that cannot be trained on, the first of them. */
  readonly broken: readonly ShownRow[];
}

/** Longer texts are cut on the page. */
const SHOWN = 1500;
const STYLE = `body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:1200px;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse}td,th{padding:.15rem 1.2rem .15rem 0;text-align:left}td+td{text-align:right;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:1rem}
svg{width:100%;height:auto;border:1px solid #e4e4e4;border-radius:6px;padding:.5rem;box-sizing:border-box}
article{display:grid;grid-template-columns:minmax(120px,240px) 1fr;gap:1rem;padding:.8rem 0;border-bottom:1px solid #ddd}
img{max-width:100%;height:auto;border:1px solid #ddd}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.2rem 0}
.note{color:#555;font-size:.85rem}`;
const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

const NAMES = new Map(
  Object.entries({
    rows: "rows",
    broken: "rows that are broken, or whose pictures are missing or broken",
    odd: "rows with odd turns",
    pictures: "pictures",
    withoutPicture: "rows without a picture",
    duplicates: "rows that say what an earlier one says, about the same pictures",
    repeatedQuestions: "rows that ask what an earlier one asks",
    tokens: "tokens",
    pictureTokens: "tokens of pictures",
    answerTokens: "tokens of answers",
    longest: "tokens of the longest row",
  }),
);

const cut = (text: string): string =>
  text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;

function article({ row, pictures, question, answer, notes }: ShownRow): string {
  const images = pictures
    .filter((url) => /^data:image\/jpeg;base64,[A-Za-z0-9+/=]+$/.test(url))
    .map((url, i) => `<img loading="lazy" alt="Picture ${i + 1} of row ${row}" src="${url}">`);
  return `<article><div>${images.join("")}</div><div><p class="note">row ${row}${notes.map((note) => ` · ${escapeHtml(cut(note))}`).join("")}</p><pre>${escapeHtml(cut(question))}</pre><pre><b>${escapeHtml(cut(answer))}</b></pre></div></article>`;
}

/** The page as HTML; whatever rows hold is text in it. */
export function inspectionPage({ title, totals, charts, rows, broken }: Inspection): string {
  const numbers = Object.entries(totals).map(
    ([name, value]) =>
      `<tr><th scope="row">${NAMES.get(name) ?? escapeHtml(name)}</th><td>${value.toLocaleString("en")}</td></tr>`,
  );
  const section = (heading: string, shown: readonly ShownRow[]) =>
    shown.length === 0 ? "" : `<h2>${heading}</h2>${shown.map(article).join("")}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1><table>${numbers.join("")}</table>
<div class="charts">${charts
    .filter((chart) => chart.bars.length > 0)
    .map((chart) => bars(chart.title, chart.bars))
    .join("")}</div>
${section("Rows that are broken", broken)}${section("Some rows", rows)}
</body></html>
`;
}

/** @file The side-by-side page: picture, question, answer and verdict of each row, with filters; it runs its own script and nothing else. */
import { createHash } from "node:crypto";
import type { Decision } from "../../vlmeval/index.ts";
import type { SetResult } from "./result.ts";

const ENTITIES = new Map<string, string>(
  Object.entries({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }),
);

/** @example escapeHtml("<b>") // "&lt;b&gt;" */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES.get(char)!);
}

export interface PageRow {
  index: string;
  /** Small pictures as data URLs. */
  pictures: readonly string[];
  question: string;
  options: readonly string[];
  truth: string;
  answer: string;
  extracted: string | null;
  value: number;
  decision: Decision;
  category: string;
}

/** Longer answers are cut on the page; the records have them whole. */
const SHOWN_CHARACTERS = 4000;

const STYLE = `
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem;color:#1b1b1b;background:#fff}
h1{font-size:1.3rem;margin:0 0 .8rem}
section{display:flex;gap:2.5rem;flex-wrap:wrap;align-items:start}
table{border-collapse:collapse}caption{text-align:left;font-weight:600}
td{padding:.1rem .9rem .1rem 0}td+td{text-align:right;font-variant-numeric:tabular-nums}
form{display:flex;gap:.8rem;flex-wrap:wrap;align-items:end;position:sticky;top:0;background:#fff;padding:.6rem 0;border-bottom:1px solid #bbb}
label{display:flex;flex-direction:column;font-size:.85rem}
select,input{font:inherit;padding:.2rem .4rem;box-sizing:border-box;height:2rem}output{line-height:2rem}
article{display:grid;grid-template-columns:minmax(120px,240px) 1fr 1fr;gap:1rem;padding:1rem 0;border-bottom:1px solid #ddd}
article[hidden]{display:none}
img{max-width:100%;height:auto;border:1px solid #ddd}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.2rem 0}
.right{color:#0b6b2b;font-weight:600}.wrong{color:#a31515;font-weight:600}
h2,article p{font-size:.95rem;margin:0 0 .3rem}
@media(max-width:700px){article{grid-template-columns:1fr}}
`;

const SCRIPT = `
const form = document.querySelector("form");
const rows = [...document.querySelectorAll("article")];
const count = document.querySelector("output");
function apply() {
  const verdict = form.verdict.value, decision = form.decision.value, category = form.category.value;
  const words = form.words.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (!verdict || row.dataset.verdict === verdict) && (!decision || row.dataset.decision === decision) &&
      (!category || row.dataset.category === category) && (!words || row.textContent.toLowerCase().includes(words));
    row.hidden = !fits;
    if (fits) shown++;
  }
  count.textContent = shown + " of " + rows.length + " rows";
}
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
`;

const DECIDED: Record<Decision, string> = {
  rule: "by rules",
  judge: "by the judge",
  undecided: "undecided",
  "judge-failed": "the judge failed",
};

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
/** Only this page's own style and script, and pictures that are in the page; no network, no frames, no forms. */
const POLICY = `default-src 'none'; img-src data:; style-src ${hash(STYLE)}; script-src ${hash(SCRIPT)}; base-uri 'none'; form-action 'none'`;

function cut(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text;
  return `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters in all)`;
}

function choices(label: string, name: string, values: readonly string[]): string {
  const options = values.map((value) => `<option value="${escapeHtml(value)}">${escapeHtml(value)}</option>`);
  return `<label>${label}<select name="${name}"><option value="">all</option>${options.join("")}</select></label>`;
}

function article(row: PageRow): string {
  const verdict = row.value === 1 ? "right" : row.value === 0 ? "wrong" : "partly";
  const pictures = row.pictures
    .filter((url) => /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$/.test(url))
    .map((url) => `<img loading="lazy" alt="Picture of row ${escapeHtml(row.index)}" src="${url}">`)
    .join("");
  const options = row.options.length > 0 ? `<pre>${escapeHtml(row.options.join("\n"))}</pre>` : "";
  return `<article data-verdict="${verdict}" data-decision="${row.decision}" data-category="${escapeHtml(row.category)}">
<div>${pictures}</div>
<div><h2>${escapeHtml(row.index)}${row.category ? ` · ${escapeHtml(row.category)}` : ""}</h2><pre>${escapeHtml(cut(row.question))}</pre>${options}<p>Expected: <b>${escapeHtml(cut(row.truth))}</b></p></div>
<div><p class="${verdict}">${verdict} (${row.value.toFixed(2)}), ${DECIDED[row.decision]}${row.extracted === null || row.decision === "undecided" ? "" : `: read <b>${escapeHtml(cut(row.extracted))}</b>`}</p><pre>${escapeHtml(cut(row.answer))}</pre></div>
</article>`;
}

/** What a number of the page says: its name, the value, how sure it is, and behind how many rows it stands. */
type Figure = readonly [name: string, value: string, interval: string, count: number];

function figures(caption: string, list: readonly Figure[]): string {
  if (list.length === 0) return "";
  const row = (cells: Figure) => `<tr>${cells.map((text) => `<td>${escapeHtml(String(text))}</td>`).join("")}</tr>`;
  return `<table><caption>${caption}</caption>${list.map(row).join("")}</table>`;
}

/** The scores that the page opens with: every metric with its interval, the categories, and what there is to note. */
function summary({ metrics, categories, warnings, headline }: SetResult): string {
  const shown = (value: number | null, unit: string) =>
    value === null ? "–" : `${value.toFixed(2)}${unit === "%" ? " %" : ""}`;
  const byHeadline = [...metrics].sort((a, b) => Number(b.name === headline) - Number(a.name === headline));
  const scores = byHeadline.map(({ name, value, unit, interval, count }): Figure => {
    const spread = interval ? `95 %: ${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}` : "";
    return [name, shown(value, unit), spread, count];
  });
  const parts = categories.map(({ name, value, count }): Figure => [name, shown(value, "%"), "", count]);
  const notes = warnings.map((text) => `<li>${escapeHtml(text)}</li>`).join("");
  return `<section>${figures("Scores", scores)}${figures("Categories", parts)}</section>${notes && `<ul>${notes}</ul>`}`;
}

/** The page but for its rows, so that rows can be written one by one. @param categories what rows can be filtered by */
export function pageHead(title: string, result: SetResult, categories: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${summary(result)}
<form>${choices("Verdict", "verdict", ["right", "wrong", "partly"])}${choices("Decided by", "decision", ["rule", "judge", "undecided", "judge-failed"])}${choices("Category", "category", categories)}<label>Words<input name="words" type="search"></label><output></output></form>
`;
}

/** @example file.write(pageRow(row)) */
export function pageRow(row: PageRow): string {
  return article(row);
}

export const PAGE_END = `</main><script>${SCRIPT}</script></body></html>\n`;

/** @file A run as one HTML page: its curves as SVG, its recipe and versions; nothing is loaded from elsewhere. */

import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { axesOf, type Chart, chartsOf, shortNumber } from "./curves.ts";
import { plannedSteps, readMetrics } from "./read-metrics.ts";

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const [WIDTH, HEIGHT] = [560, 240];
const FRAME = { left: 64, right: 12, top: 34, bottom: 26 };
/** Distinguishable in print and for most kinds of colour blindness (Okabe & Ito 2008). */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];
/** More points than pixels only make the file large. */
const MOST_POINTS = 2000;

const thin = <T>(points: readonly T[]): readonly T[] => {
  const every = Math.ceil(points.length / MOST_POINTS);
  return every === 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
};

/** One chart as an SVG element. @example chartSvg({ title: "loss", curves: [{ label: "training", points }] }) */
export function chartSvg(chart: Chart): string {
  const { steps, isLog, across, up, at: valueAt } = axesOf(chart);
  const x = (step: number) => FRAME.left + across(step) * (WIDTH - FRAME.left - FRAME.right);
  const y = (value: number) => FRAME.top + (1 - up(value)) * (HEIGHT - FRAME.top - FRAME.bottom);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(valueAt);
  const grid = ticks.map(
    (v) =>
      `<line x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${y(v).toFixed(1)}" y2="${y(v).toFixed(1)}" stroke="#ddd"/>` +
      `<text x="${FRAME.left - 6}" y="${(y(v) + 4).toFixed(1)}" text-anchor="end">${shortNumber(v)}</text>`,
  );
  const lines = chart.curves.map(({ points }, i) => {
    const path = thin(points).map((p) => `${x(p.step).toFixed(1)},${y(p.value).toFixed(1)}`);
    const color = COLORS[i % COLORS.length]!;
    return path.length === 1
      ? `<circle cx="${path[0]!.split(",")[0]}" cy="${path[0]!.split(",")[1]}" r="3" fill="${color}"/>`
      : `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${path.join(" ")}"/>`;
  });
  let at = WIDTH - FRAME.right;
  const legend = [...chart.curves.keys()].reverse().map((i) => {
    const { label, points } = chart.curves[i]!;
    const text = `${label} ${shortNumber(points.at(-1)!.value)}`;
    const item = `<text x="${at}" y="18" text-anchor="end" fill="${COLORS[i % COLORS.length]!}">${escapeHtml(text)}</text>`;
    at -= text.length * 6.5 + 12;
    return item;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}" font-family="system-ui, sans-serif" font-size="11" fill="#333">`,
    `<text x="${FRAME.left}" y="18" font-size="14" font-weight="600">${escapeHtml(chart.title)}${isLog ? " (log)" : ""}</text>`,
    ...grid,
    ...lines,
    ...legend,
    `<text x="${FRAME.left}" y="${HEIGHT - 8}">step ${steps[0]}</text>`,
    `<text x="${WIDTH - FRAME.right}" y="${HEIGHT - 8}" text-anchor="end">${steps[1]}</text>`,
    "</svg>",
  ].join("\n");
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;color:#222;background:#fff}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:1rem}
svg{width:100%;height:auto;border:1px solid #e4e4e4;border-radius:6px}
pre{background:#f6f6f6;padding:1rem;overflow:auto;border-radius:6px}`;

/**
 * The report of a run as an HTML page.
 * @throws Error when the folder is no run, or has no step yet
 * @example await writeFile("report.html", await runReport("runs/a"));
 */
export async function runReport(run: string): Promise<string> {
  const rows = await readMetrics(run);
  if (rows.length === 0) throw new Error(`${run} has no step yet: there is nothing to report`);
  const until = await plannedSteps(run);
  const text = (name: string) => readFile(join(run, name), "utf8").catch(() => "");
  const [recipe, versions] = await Promise.all([text("recipe.yaml"), text("versions.json")]);
  const name = escapeHtml(basename(resolve(run)));
  const section = (title: string, body: string) => (body ? `<h2>${title}</h2>\n<pre>${escapeHtml(body)}</pre>` : "");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${name}</h1>
<p>${rows.length} steps, the last is ${rows.at(-1)!.step}${until ? ` of ${until}` : ""}.</p>
<div class="charts">
${chartsOf(rows, until).map(chartSvg).join("\n")}
</div>
${section("Recipe", recipe)}
${section("Versions", versions)}
</body>
</html>
`;
}

/** @file The results as a Markdown table, with the model card's table beside it. */
import { CARD_COLUMNS, CARD_TABLE } from "./card.ts";
import { markdownTable } from "./markdown-table.ts";
import { headlineOf, type MetricResult, type SetResult } from "./result.ts";

const number = (value: number | null | undefined) => (value === null || value === undefined ? "–" : value.toFixed(2));

/** A cell of a Markdown table: no line breaks, no bars, no HTML. */
function cell(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/([\\|`<>*_[\]])/g, "\\$1");
}

function interval({ interval: found }: MetricResult): string {
  return found === null ? "–" : `${number(found.low)} – ${number(found.high)}`;
}

/** The results that stand for the card's columns; null where no set of the column was run. */
function cardScores(results: readonly SetResult[]): (number | null)[] {
  return CARD_COLUMNS.map(({ sets, metric }) => {
    const result = sets.map((name) => results.find((item) => item.dataset === name)).find((item) => item !== undefined);
    if (!result) return null;
    const found = metric === "headline" ? headlineOf(result) : result.metrics.find((item) => item.name === metric);
    return found?.value ?? null;
  });
}

function cardLines(model: string, results: readonly SetResult[]): string[] {
  const scores = cardScores(results);
  if (scores.every((score) => score === null)) return [];
  const whole = scores.every((score) => score !== null);
  const average = whole ? scores.reduce<number>((sum, score) => sum + score!, 0) / scores.length : null;
  const columns = ["Model", "Average", ...CARD_COLUMNS.map(({ name }) => name)];
  const rows = [
    ...CARD_TABLE.map((row) => [
      cell(row.model),
      number(row.scores.Average),
      ...CARD_COLUMNS.map(({ name }) => number(row.scores[name])),
    ]),
    [`**${cell(model)} (this run)**`, number(average), ...scores.map(number)],
  ];
  const note =
    "The card does not say which metric of DynaMath and WeMath it quotes; this row takes DynaMath's average and WeMath's loose score.";
  return ["", "## Beside the model card", "", ...markdownTable(columns, rows), "", note];
}

/**
 * @param results of one model
 * @example markdownReport("FlashVL-2B", results)
 */
export function markdownReport(model: string, results: readonly SetResult[]): string {
  const metricRows = results.flatMap((result) =>
    result.metrics.map((metric) => [
      cell(result.dataset),
      metric.name === result.headline ? `**${cell(metric.name)}**` : cell(metric.name),
      number(metric.value),
      interval(metric),
      String(metric.count),
    ]),
  );
  const facts = results.flatMap((result) => {
    const { decisions, judge } = result;
    const judged = judge ? `${judge.name} (${judge.counts.asked} asked, ${judge.counts.cached} from cache)` : "none";
    const open = decisions.undecided + decisions["judge-failed"];
    return [
      `- **${cell(result.dataset)}**: ${result.metricNote}. Prompt ${result.prompt}, matcher ${result.rules.matcher}, mode ${result.rules.mode}, replies as stored in ${result.storage}; judge ${cell(judged)}; ${result.rows} rows, ${decisions.rule} decided by rules, ${decisions.judge} by the judge, ${open} left undecided and counted as wrong${result.unanswered > 0 ? `, ${result.unanswered} without an answer` : ""}; data MD5 ${result.dataMd5 ?? "–"}.`,
      ...result.warnings.slice(0, 5).map((warning) => `  - ${cell(warning)}`),
    ];
  });
  return [
    `# ${cell(model)}`,
    "",
    ...markdownTable(["Set", "Metric", "Value", "95 % interval", "Units"], metricRows),
    ...cardLines(model, results),
    "",
    "## How it was measured",
    "",
    ...facts,
    "",
  ].join("\n");
}

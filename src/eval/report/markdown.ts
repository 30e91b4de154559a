/** @file The results as a Markdown table, with the model card's table beside it. */
import { cardTable } from "./card.ts";
import type { MetricResult, SetResult } from "./result.ts";

/** Cells must be free of line breaks and bars. @example markdownTable(["", "value"], [["a", "1"]]).join("\n") */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)];
}

const number = (value: number | null | undefined) => (value === null || value === undefined ? "–" : value.toFixed(2));

/** A cell of a Markdown table: no line breaks, no bars, no HTML. */
function cell(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/([\\|`<>*_[\]])/g, "\\$1");
}

function interval({ interval: found }: MetricResult): string {
  return found === null ? "–" : `${number(found.low)} – ${number(found.high)}`;
}

function cardLines(model: string, results: readonly SetResult[]): string[] {
  const [columns, ...rows] = cardTable(model, results);
  if (columns === undefined) return [];
  const note =
    "The card does not say which metric of DynaMath and WeMath it quotes; this row takes DynaMath's average and WeMath's loose score.";
  const marked = rows.map(([name, ...scores], at) => [
    at < rows.length - 1 ? cell(name!) : `**${cell(name!)}**`,
    ...scores,
  ]);
  return ["", "## Beside the model card", "", ...markdownTable(columns, marked), "", note];
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

/** @file A set's result in a few lines for a terminal. */
import type { SetResult } from "./result.ts";

/** @example formatSetResult(result).join("\n") */
export function formatSetResult(result: SetResult): string[] {
  const { decisions } = result;
  const open = decisions.undecided + decisions["judge-failed"];
  const lines = result.metrics.map(({ name, value, unit, interval, count }) => {
    const spread = interval ? ` (95 %: ${interval.low.toFixed(2)} to ${interval.high.toFixed(2)})` : "";
    const mark = name === result.headline ? "*" : " ";
    return ` ${mark} ${name}: ${value === null ? "–" : value.toFixed(2)}${unit === "%" ? " %" : ""}${spread}, ${count} units`;
  });
  const judge = result.judge
    ? `judge ${result.judge.name}: ${result.judge.counts.asked} asked, ${result.judge.counts.cached} from cache, ${result.judge.counts.failed} failed`
    : "no judge";
  return [
    `${result.dataset} (${result.rows} rows; ${decisions.rule} by rules, ${decisions.judge} by the judge, ${open} undecided; ${judge})`,
    ...lines,
    ...result.warnings.slice(0, 3).map((warning) => `   note: ${warning}`),
    ...(result.warnings.length > 3 ? [`   and ${result.warnings.length - 3} further notes in result.json`] : []),
  ];
}

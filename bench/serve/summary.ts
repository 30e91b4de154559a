/** @file Figures of a load: throughput, percentiles, outcomes, memory. */
import type { LoadResult } from "./load.ts";

/** Percentiles of one measure, in milliseconds. */
export interface Percentiles {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** The figures of a load. */
export interface Summary {
  seconds: number;
  requests: number;
  /** Requests by outcome. */
  outcomes: Record<string, number>;
  requestsPerSecond: number;
  tokensPerSecond: number;
  firstToken?: Percentiles;
  interToken?: Percentiles;
  total?: Percentiles;
  /** Server memory in MiB: at the beginning, at most, at the end. */
  memory?: { first: number; most: number; last: number };
}

/**
 * Sums up a load; latencies are those of answers that were read to the end.
 *
 * @example console.table(summarise(result).outcomes);
 */
export function summarise({ seconds, samples, gauges }: LoadResult): Summary {
  const outcomes: Record<string, number> = {};
  for (const { outcome } of samples) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const whole = samples.filter(({ outcome }) => outcome === "ok");
  const memory = gauges.map(({ residentBytes }) => residentBytes / 2 ** 20).filter(Number.isFinite);
  return {
    seconds,
    requests: samples.length,
    outcomes,
    requestsPerSecond: whole.length / seconds,
    tokensPerSecond: samples.reduce((sum, { tokens }) => sum + tokens, 0) / seconds,
    firstToken: percentiles(whole.flatMap(({ firstToken }) => firstToken ?? [])),
    interToken: percentiles(whole.flatMap(({ gaps }) => gaps)),
    total: percentiles(whole.map(({ total }) => total)),
    memory: memory.length > 0 ? { first: memory[0]!, most: Math.max(...memory), last: memory.at(-1)! } : undefined,
  };
}

/** Nearest-rank percentiles; undefined without values. */
export function percentiles(values: number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1)! };
}

/** The figures as lines of text. */
export function summaryText(summary: Summary): string {
  const row = (name: string, values?: Percentiles) =>
    values
      ? `${name.padEnd(22)} p50 ${ms(values.p50)}   p90 ${ms(values.p90)}   p99 ${ms(values.p99)}   max ${ms(values.max)}`
      : `${name.padEnd(22)} no answers`;
  const { memory } = summary;
  return [
    `${summary.requests} requests in ${summary.seconds.toFixed(1)} s: ${
      Object.entries(summary.outcomes)
        .map(([name, count]) => `${count} ${name}`)
        .join(", ") || "none"
    }`,
    `throughput             ${summary.requestsPerSecond.toFixed(2)} answers/s, ${summary.tokensPerSecond.toFixed(1)} tokens/s`,
    row("time to first token", summary.firstToken),
    row("between tokens", summary.interToken),
    row("whole answer", summary.total),
    memory
      ? `server memory          first ${memory.first.toFixed(0)} MiB, most ${memory.most.toFixed(0)} MiB, last ${memory.last.toFixed(0)} MiB`
      : "server memory          unknown (is /metrics behind a key?)",
  ].join("\n");
}

function ms(value: number): string {
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ms`.padStart(9);
}

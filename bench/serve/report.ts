/** @file Loads as sections of bench/RESULTS.md. */
import { describeMachine, machineLine } from "../machine.ts";
import type { SoakReport } from "./soak.ts";
import { type Percentiles, type Summary, summarise } from "./summary.ts";

/** One load with what it was. */
export interface LoadRow {
  clients: number;
  summary: Summary;
}

/** A remark on the circumstances, for example that other work ran on the machine. */
export type Remark = string | undefined;

/**
 * The section of loads with growing numbers of clients, or with requests that arrive at `rate` per second.
 *
 * @example writeSection("serve", loadSection(rows, "models/flashvl-tiny", "answers of up to 32 tokens"));
 */
export function loadSection(rows: LoadRow[], what: string, remark: Remark, rate?: number): string {
  const lines = rows.map(
    ({ clients, summary }) =>
      `| ${clients} | ${summary.requestsPerSecond.toFixed(1)} | ${summary.tokensPerSecond.toFixed(0)} | ${three(summary.firstToken)} | ${three(summary.interToken)} | ${outcomes(summary)} | ${memory(summary)} |`,
  );
  return [
    rate === undefined ? "## Serving" : "## Serving at a rate",
    "",
    `${what}, \`npm run bench:serve -- ${rate === undefined ? "" : `--rate ${rate} `}--write\`; ${machineLine(describeMachine())}.${remark ? ` ${remark}` : ""}`,
    "",
    `Latencies in ms as the client sees them over loopback: p50 / p90 / p99. ${
      rate === undefined
        ? "Every client asks again as soon as it is answered."
        : `Requests arrive at random, ${rate} per second, as long as one of the clients is free.`
    }`,
    "",
    "| clients | answers/s | tokens/s | first token | between tokens | outcomes | server memory |",
    "|---|---|---|---|---|---|---|",
    ...lines,
    "",
    `![Load over time](serve${rate === undefined ? "" : "-rate"}.svg)`,
  ].join("\n");
}

/** The section of a soak. */
export function soakSection({ result, end, growthMiB, faults }: SoakReport, what: string, remark: Remark): string {
  const summary = summarise(result);
  return [
    "## Soak",
    "",
    `${what}, \`npm run bench:serve -- --soak --write\`; ${machineLine(describeMachine())}.${remark ? ` ${remark}` : ""}`,
    "",
    "| | |",
    "|---|---|",
    `| time | ${(summary.seconds / 60).toFixed(1)} min |`,
    `| requests | ${summary.requests}: ${outcomes(summary)} |`,
    `| throughput | ${summary.requestsPerSecond.toFixed(2)} answers/s, ${summary.tokensPerSecond.toFixed(0)} tokens/s |`,
    `| first token, p50 / p90 / p99 | ${three(summary.firstToken)} ms |`,
    `| between tokens, p50 / p90 / p99 | ${three(summary.interToken)} ms |`,
    `| server memory | ${memory(summary)}; growth after the first third ${growthMiB.toFixed(1)} MiB |`,
    `| at the end | ${end ? `${end.running} running, ${end.waiting} waiting, ${end.engineRunning} in the engine, ${end.bodyBytes} bytes of bodies` : "unknown"} |`,
    `| demands not met | ${faults.join("; ") || "none"} |`,
    "",
    "![Soak over time](serve-soak.svg)",
  ].join("\n");
}

const three = (values?: Percentiles) =>
  values ? [values.p50, values.p90, values.p99].map((ms) => ms.toFixed(ms < 100 ? 1 : 0)).join(" / ") : "–";

const outcomes = (summary: Summary) =>
  Object.entries(summary.outcomes)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

const memory = ({ memory }: Summary) =>
  memory ? `${memory.first.toFixed(0)} → ${memory.last.toFixed(0)} MiB, most ${memory.most.toFixed(0)}` : "unknown";

/** @file A soak: a server under saturation with clients that leave at random, and the demands that it must meet. */
import { type Gauge, type LoadPlan, type LoadResult, readGauge, runLoad } from "./load.ts";
import { percentiles } from "./summary.ts";

/** Outcomes that a saturated server may give: whole answers, clients that left, and refusals with Retry-After. */
const WANTED = ["ok", "cancelled", "429"];
/** Memory may still move this much after the first third: allocators keep some, a leak of every request would pass it. */
const GROWTH_MIB = 64;
/** How long the last cancelled requests may take to leave the server. */
const EMPTY_MS = 20_000;

/** What a soak brought. */
export interface SoakReport {
  result: LoadResult;
  /** The server's state when the load was over and the last requests had left. */
  end: Gauge | undefined;
  /** Growth of the server's memory in the last two thirds: medians of their halves, in MiB. */
  growthMiB: number;
  /** Demands that were not met; empty when all is well. */
  faults: string[];
}

/**
 * Soaks a server. The plan should have more clients than the server has places, and some that cancel.
 *
 * @example const { faults } = await soak({ url, clients: 12, seconds: 1800, cancel: 0.3, bodies });
 */
export async function soak(plan: LoadPlan): Promise<SoakReport> {
  const probe = { ...(plan.bodies[0] as object), temperature: 0, stream: false };
  const before = await answer(plan, probe);
  const result = await runLoad(plan);
  const end = await whenEmpty(plan);
  const after = await answer(plan, probe);
  const growthMiB = growth(result.gauges);
  const faults: string[] = [];
  const outcomes = new Map<string, number>();
  for (const { outcome } of result.samples) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  for (const [outcome, count] of outcomes) if (!WANTED.includes(outcome)) faults.push(`${count} × ${outcome}`);
  for (const outcome of WANTED) if (!outcomes.has(outcome)) faults.push(`no request ended as ${outcome}`);
  if (!end) faults.push("the server's metrics could not be read at the end");
  else if (!isEmpty(end)) faults.push(`the server is not empty at the end: ${JSON.stringify(end)}`);
  if (growthMiB > GROWTH_MIB) faults.push(`memory grew by ${growthMiB.toFixed(0)} MiB after warm-up`);
  if (after !== before) faults.push("a question was answered differently after the soak than before it");
  return { result, end, growthMiB, faults };
}

async function answer({ url, key }: LoadPlan, body: object): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`The server refused a question with status ${response.status}: ${text.slice(0, 200)}`);
  return JSON.stringify(JSON.parse(text).choices);
}

const isEmpty = ({ running, waiting, engineRunning, bodyBytes }: Gauge) =>
  running === 0 && waiting === 0 && engineRunning === 0 && bodyBytes === 0;

async function whenEmpty({ url, key }: LoadPlan): Promise<Gauge | undefined> {
  const until = performance.now() + EMPTY_MS;
  for (;;) {
    const gauge = await readGauge(url, key, 0);
    if ((gauge && isEmpty(gauge)) || performance.now() > until) return gauge;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Medians of the two halves of what comes after the first third, in which caches fill. */
function growth(gauges: Gauge[]): number {
  const warm = gauges.slice(Math.floor(gauges.length / 3)).map(({ residentBytes }) => residentBytes / 2 ** 20);
  const half = Math.floor(warm.length / 2);
  const median = (values: number[]) => percentiles(values)?.p50 ?? 0;
  return median(warm.slice(half)) - median(warm.slice(0, half));
}

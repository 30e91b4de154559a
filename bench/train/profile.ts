/** @file Where the time of a step goes: ONNX Runtime's profile, summed by part of the model and by kernel. */

import { readFileSync } from "node:fs";

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

export interface ProfileShare {
  readonly name: string;
  /** Milliseconds of a run. */
  readonly ms: number;
  readonly share: number;
}

const partOf = (node: string): string => {
  const backward = node.startsWith("backward");
  const scope = node.replace(/^backward\/?/, "");
  const part = /^(tower|adapter|embed|decoder|head_chunk|lm_head|positions)/.exec(scope)?.[1] ?? "other";
  return `${part} ${backward ? "backward" : "forward"}`;
};

/** Of several runs the fastest time of each node counts: other programs disturb some runs, and never make one faster. */
function fastest(events: readonly Event[]): Event[] {
  const best = new Map<string, Event>();
  for (const e of events) if (e.dur < (best.get(e.name)?.dur ?? Number.POSITIVE_INFINITY)) best.set(e.name, e);
  return [...best.values()];
}

function shares(events: readonly Event[], key: (e: Event) => string): ProfileShare[] {
  const sums = new Map<string, number>();
  for (const e of events) sums.set(key(e), (sums.get(key(e)) ?? 0) + e.dur);
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  return [...sums].map(([name, us]) => ({ name, ms: us / 1000, share: us / total })).sort((a, b) => b.ms - a.ms);
}

/** Shares by part of the model and by kernel in a profile of one or more runs of one graph. */
export function readProfile(file: string): { parts: ProfileShare[]; kernels: ProfileShare[] } {
  const events = fastest(
    (JSON.parse(readFileSync(file, "utf8")) as Event[]).filter(
      (e) => e.cat === "Node" && e.name.endsWith("_kernel_time"),
    ),
  );
  return { parts: shares(events, (e) => partOf(e.name)), kernels: shares(events, (e) => e.args?.op_name ?? "?") };
}

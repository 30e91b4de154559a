/** @file From the times of all rounds to medians, ratios and the lines of RESULTS.md. */
import type { Cost, Costs } from "./measure-costs.ts";
import type { PresetTimes } from "./measure-preset.ts";

export interface PeerTimes {
  readyS: number;
  /** The first prompt after `readyS` (PyTorch: with its picture); in no median. */
  coldMs?: number;
  towerMs?: number[];
  prefillMs: number[];
  tokenMs: number[];
}

/** What was measured; a peer that could not run is the reason why. */
export interface Measured {
  ours: Record<string, PresetTimes[]>;
  peers: Record<string, PeerTimes[] | string>;
  bytesPerSecond: number[];
  /** Bytes of decoder weights that one token reads, by preset. */
  tokenBytes: Record<string, number>;
  diskBytes: Record<string, number>;
  /** Largest share of the machine that other programs took while each was measured, by name. */
  others: Record<string, number>;
  /** Of preset `auto`, by number of threads; measured once. */
  costs: Record<number, Costs>;
}

/** Where others took more than this share of the machine, times say nothing: no ratio is made of them. */
const MOST_DISTURBANCE = 0.1;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** "24.1 (23.0-26.2)": the median, and between what all values lie. */
export const spread = (values: readonly number[], digits = 0): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;

const all = (runs: readonly PresetTimes[] | undefined, pick: (run: PresetTimes) => readonly number[]): number[] =>
  (runs ?? []).flatMap(pick);

type Ratio = number | null;
const ratio = (a: readonly number[], b: readonly number[]): Ratio =>
  a.length > 0 && b.length > 0 ? median(a) / median(b) : null;

/** Ratios of medians in this run; null where one side was not measured, or others used the machine meanwhile. */
export function ratios({ ours: measured, peers, bytesPerSecond, tokenBytes, others }: Measured): Record<string, Ratio> {
  const quiet = (name: string) => (others[name] ?? 0) <= MOST_DISTURBANCE;
  const ours = Object.fromEntries(Object.entries(measured).filter(([name]) => quiet(`flashvl ${name}`)));
  const peer = (name: string, pick: (run: PeerTimes) => readonly number[] | undefined): number[] => {
    const runs = peers[name];
    return typeof runs === "string" || !runs || !quiet(name) ? [] : runs.flatMap((run) => pick(run) ?? []);
  };
  const { auto, int8 } = ours;
  const ttft = peer("pytorch bf16", (run) => run.towerMs?.map((tower, i) => tower + run.prefillMs[i]!));
  const speed = (count: number) => all(auto, (run) => (run.tokensPerSecond[count] ? [run.tokensPerSecond[count]] : []));
  const tokens = all(auto, (run) => run.tokenMs);
  const limit = tokenBytes.auto === undefined ? [] : bytesPerSecond.map((rate) => (1000 * tokenBytes.auto!) / rate);
  return {
    ttft_vs_pytorch: ratio(
      all(auto, (run) => run.ttftMs),
      ttft,
    ),
    prefill_vs_llamacpp_q4: ratio(
      all(auto, (run) => run.prefillMs),
      peer("llama.cpp Q4_0", (run) => run.prefillMs),
    ),
    token4_vs_llamacpp_q4: ratio(
      tokens,
      peer("llama.cpp Q4_0", (run) => run.tokenMs),
    ),
    token8_vs_llamacpp_q8: ratio(
      all(int8, (run) => run.tokenMs),
      peer("llama.cpp Q8_0", (run) => run.tokenMs),
    ),
    token4_bandwidth_fraction: ratio(limit, tokens),
    batch8_vs_1: ratio(speed(8), speed(1)),
    batch16_vs_1: ratio(speed(16), speed(1)),
    drafts_vs_plain: ratio(
      all(auto, (run) => run.copyMs),
      all(auto, (run) => run.copyDraftedMs),
    ),
    second_turn_vs_first: ratio(
      all(auto, (run) => run.secondTurnMs),
      all(auto, (run) => run.ttftMs),
    ),
  };
}

export function absolutes({ ours: { auto } }: Measured): Record<string, Ratio> {
  if (!auto?.length) return { ready_s: null, resident_gb: null };
  return {
    ready_s: median(auto.map((run) => run.readyS)),
    resident_gb: median(auto.map((run) => run.residentBytes)) / 1e9,
  };
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The section of RESULTS.md, without its heading. */
export function tables(measured: Measured): string {
  const { ours, peers, bytesPerSecond, diskBytes } = measured;
  const share = (name: string) => {
    const value = measured.others[name];
    return value === undefined ? "unknown" : `${(100 * value).toFixed(0)} %`;
  };
  const head = [
    "",
    "tower",
    "prefill",
    "first token",
    "per token",
    "second question",
    "ready",
    "first answer after it",
    "resident",
    "on disk",
    "others' share",
  ];
  const mine = Object.entries(ours).map(([name, runs]) =>
    row([
      `flashvl ${name}`,
      ...(["towerMs", "prefillMs", "ttftMs"] as const).map((key) => spread(all(runs, (run) => run[key]))),
      spread(
        all(runs, (run) => run.tokenMs),
        1,
      ),
      spread(all(runs, (run) => run.secondTurnMs)),
      `${median(runs.map((run) => run.readyS)).toFixed(2)} s`,
      spread(runs.map((run) => run.coldTtftMs)),
      `${(median(runs.map((run) => run.residentBytes)) / 1e9).toFixed(2)} GB`,
      `${((diskBytes[name] ?? 0) / 1e9).toFixed(2)} GB`,
      share(`flashvl ${name}`),
    ]),
  );
  const theirs = Object.entries(peers).map(([name, runs]) => {
    if (typeof runs === "string") return row([name, `not measured: ${runs}`, "", "", "", "", "", "", "", "", ""]);
    const tower = runs.flatMap((run) => run.towerMs ?? []);
    const prefill = runs.flatMap((run) => run.prefillMs);
    const first = runs.flatMap((run) => run.towerMs?.map((ms, i) => ms + run.prefillMs[i]!) ?? []);
    const token = runs.flatMap((run) => run.tokenMs);
    const cells = [tower, prefill, first].map((values) => (values.length ? spread(values) : "-"));
    return row([
      name,
      ...cells,
      spread(token, 1),
      "-",
      `${median(runs.map((run) => run.readyS)).toFixed(2)} s`,
      spread(runs.map((run) => run.coldMs ?? Number.NaN)),
      "",
      "",
      share(name),
    ]);
  });
  const counts = Object.keys(ours.auto?.[0]?.tokensPerSecond ?? {});
  const speeds = Object.entries(ours).flatMap(([name, runs]) =>
    (["tokensPerSecond", "overallPerSecond"] as const).map((key) =>
      row([
        key === "tokensPerSecond" ? name : `${name}, with prompts`,
        ...counts.map((count) =>
          spread(
            runs.map((run) => run[key][Number(count)]!),
            1,
          ),
        ),
      ]),
    ),
  );
  const ratioRows = Object.entries({ ...ratios(measured), ...absolutes(measured) }).map(([name, value]) =>
    row([name, value === null ? "not measured, or disturbed" : value.toFixed(3)]),
  );
  return [
    `Milliseconds: median (least-most). Plain reads of memory: ${spread(
      bytesPerSecond.map((rate) => rate / 1e9),
      1,
    )} GB/s.`,
    [row(head), row(head.map(() => "---")), ...mine, ...theirs].join("\n"),
    "Tokens per second, all requests together: while all are being written, and with the time that their prompts take:",
    [row(["requests", ...counts]), row(["", ...counts].map(() => "---")), ...speeds].join("\n"),
    ...costTables(measured.costs),
    [row(["ratio", "value"]), row(["---", "---"]), ...ratioRows].join("\n"),
  ].join("\n\n");
}

/** Growth of cost with context, and with cores. */
function costTables(costs: Measured["costs"]): string[] {
  const threads = Object.keys(costs).map(Number);
  if (threads.length === 0) return [];
  const contexts = [...new Set(threads.flatMap((count) => Object.keys(costs[count]!.byContext).map(Number)))];
  const of = (count: number, context: number) => costs[count]!.byContext[context];
  const cells = (count: number, pick: (cost: Cost) => string) =>
    contexts.map((context) => {
      const cost = of(count, context);
      return cost ? pick(cost) : "";
    });
  const lines = threads.flatMap((count) => [
    row([`one token, ${count} threads`, ...cells(count, ({ tokenMs }) => tokenMs.toFixed(1))]),
    row([
      `reading one token of the prompt, ${count} threads`,
      ...cells(count, ({ readMs, newTokens }) => (readMs / newTokens).toFixed(2)),
    ]),
  ]);
  const pictures = threads.map((count) => `${costs[count]!.pictureMs.toFixed(0)} ms with ${count} threads`).join(", ");
  return [
    `Cost by length of the conversation in tokens, milliseconds, preset auto, one run. A picture: ${pictures}.`,
    [row(["", ...contexts.map(String)]), row(["", ...contexts].map(() => "---")), ...lines].join("\n"),
  ];
}

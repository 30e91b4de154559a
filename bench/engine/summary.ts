/** @file From the times of all rounds to medians, ratios and the lines of RESULTS.md. */
import type { Cost, Costs } from "./measure-costs.ts";
import type { PresetTimes } from "./measure-preset.ts";
import { median } from "./median.ts";

export interface PeerTimes {
  readyS: number;
  /** The first prompt after `readyS` (PyTorch: with its picture); in no median. */
  coldMs?: number;
  towerMs?: number[];
  prefillMs: number[];
  tokenMs: number[];
}

/** What was measured, one entry per turn; a peer that could not run is the reason why. */
export interface Measured {
  ours: Record<string, PresetTimes[]>;
  peers: Record<string, PeerTimes[] | string>;
  /** Bytes of decoder weights that one token reads, by preset. */
  tokenBytes: Record<string, number>;
  diskBytes: Record<string, number>;
  /** Share of the machine that other programs took in each turn of whoever was measured, by name. */
  others: Record<string, (number | undefined)[]>;
  /** Of preset `auto`, by number of threads; measured once. */
  costs: Record<number, Costs>;
}

/** Where others took more than this share of the machine, times say nothing: no ratio is made of them. */
const MOST_DISTURBANCE = 0.1;

/** "24.1 (23.0-26.2)": the median, and between what all values lie. */
export const spread = (values: readonly number[], digits = 0): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;

const all = (runs: readonly PresetTimes[] | undefined, pick: (run: PresetTimes) => readonly number[]): number[] =>
  (runs ?? []).flatMap(pick);

type Ratio = number | null;
type Turn = readonly number[] | undefined;

/** The median of the turns' own medians. */
function typical(turns: readonly Turn[]): Ratio {
  const medians = turns.flatMap((values) => (values?.length ? [median(values)] : []));
  return medians.length > 0 ? median(medians) : null;
}

/**
 * The median of the turns' ratios. In one turn both sides are measured within minutes; between turns the neighbours on a shared
 * processor can change how fast it is by half, which medians over all turns would compare with each other.
 */
const paired = (a: readonly Turn[], b: readonly Turn[]): Ratio =>
  typical(
    a.map((mine, turn) => {
      const other = b[turn];
      return mine?.length && other?.length ? [median(mine) / median(other)] : undefined;
    }),
  );

/** Of each turn what `pick` takes from it; nothing of turns in which others used the machine. */
function turns<Run>(
  measured: Measured,
  name: string,
  runs: readonly Run[] | string | undefined,
  pick: (run: Run) => Turn,
): Turn[] {
  if (typeof runs === "string" || !runs) return [];
  return runs.map((run, turn) => ((measured.others[name]?.[turn] ?? 0) <= MOST_DISTURBANCE ? pick(run) : undefined));
}

/** Ratios in this run; null where one side was not measured, or others used the machine meanwhile. */
export function ratios(measured: Measured): Record<string, Ratio> {
  const { ours, peers, tokenBytes } = measured;
  const mine = (preset: string, pick: (run: PresetTimes) => Turn) =>
    turns(measured, `flashvl ${preset}`, ours[preset], pick);
  const peer = (name: string, pick: (run: PeerTimes) => Turn) => turns(measured, name, peers[name], pick);
  const faster = (count: number) =>
    mine("auto", ({ tokensPerSecond }) => {
      const one = tokensPerSecond[1];
      return one && tokensPerSecond[count]?.map((speed, round) => speed / one[round]!);
    });
  return {
    ttft_vs_pytorch: paired(
      mine("auto", (run) => run.ttftMs),
      peer("pytorch bf16", (run) => run.towerMs?.map((tower, i) => tower + run.prefillMs[i]!)),
    ),
    prefill_vs_llamacpp_q4: paired(
      mine("auto", (run) => run.prefillMs),
      peer("llama.cpp Q4_0", (run) => run.prefillMs),
    ),
    token4_vs_llamacpp_q4: paired(
      mine("auto", (run) => run.tokenMs),
      peer("llama.cpp Q4_0", (run) => run.tokenMs),
    ),
    token8_vs_llamacpp_q8: paired(
      mine("int8", (run) => run.tokenMs),
      peer("llama.cpp Q8_0", (run) => run.tokenMs),
    ),
    token4_bandwidth_fraction: typical(
      mine("auto", ({ reads }) =>
        reads.map(({ bytesPerSecond, tokenMs }) => (1000 * (tokenBytes.auto ?? Number.NaN)) / bytesPerSecond / tokenMs),
      ),
    ),
    batch8_vs_1: typical(faster(8)),
    batch16_vs_1: typical(faster(16)),
    drafts_vs_plain: paired(
      mine("auto", (run) => run.copyMs),
      mine("auto", (run) => run.copyDraftedMs),
    ),
    second_turn_vs_first: paired(
      mine("auto", (run) => run.secondTurnMs),
      mine("auto", (run) => run.ttftMs),
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
  const { ours, peers, diskBytes } = measured;
  const share = (name: string) => {
    const known = (measured.others[name] ?? []).filter((value) => value !== undefined);
    return known.length === 0 ? "unknown" : `${(100 * Math.max(...known)).toFixed(0)} %`;
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
            runs.flatMap((run) => run[key][Number(count)]!),
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
    `Milliseconds: median (least-most). Plain reads of memory between answers: ${spread(
      all(ours.auto ?? Object.values(ours)[0], (run) => run.reads.map(({ bytesPerSecond }) => bytesPerSecond / 1e9)),
      1,
    )} GB/s. Ratios are medians of each turn's own.`,
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

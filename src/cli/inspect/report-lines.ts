/** @file A model report as lines of text. */
import { formatBytes, formatCount, formatTable } from "../terminal/format.ts";
import type { ModelReport, TensorRow } from "./model-report.ts";

/** Everything but the tensors. */
export function reportLines({
  folder,
  config,
  prompt,
  connector,
  parameters,
  bytes,
  memory,
  speed,
  defaultPreset,
  forms,
}: ModelReport): string[] {
  const { vision: v, decoder: d } = config;
  const { stitching: s } = config.connector;
  const stitching =
    s &&
    `stitching: ${s.form}, overlap ${s.overlap}${s.form === "stitch" ? `, frame ${s.frame}` : ""}, pooling ${s.pooling}`;
  const sizes: string[][] = [
    [
      "vision",
      `${v.layers} layers of ${v.hiddenSize}, MLP ${v.intermediateSize}, ${v.heads} heads; ${v.imageSize} px in patches of ${v.patchSize}`,
    ],
    [
      "adapter",
      `${connector.join(" -> ")}; ${config.windowTokens} tokens a ${config.tiles ? "tile" : "picture"} (${stitching ?? config.connector.tokenOrder})`,
    ],
    [
      "decoder",
      `${d.layers} layers of ${d.hiddenSize}, MLP ${d.intermediateSize}, ${d.heads} heads (${d.kvHeads} for keys and values) of ${d.headDim}; ` +
        `${formatCount(d.vocabSize)} tokens, ${d.tiedHead ? "tied" : "separate"} head, context ${formatCount(d.maxPositions)}`,
    ],
  ];
  const counts = Object.entries(parameters)
    .sort(byTotalLast)
    .map(([part, count]) => [part, formatCount(count)]);
  const stored = Object.entries(bytes)
    .sort(byTotalLast)
    .map(([dtype, count]) => [dtype, formatBytes(count)]);
  const needs = memory.map(({ preset, weights, kvPerToken, kvFull }) => [
    preset,
    `${formatBytes(weights)} weights`,
    `+ ${formatBytes(kvPerToken)} per token of a conversation (${formatBytes(kvFull)} for a full context)`,
    preset === defaultPreset ? "the default" : "",
  ]);
  const times = (speed ?? []).map(({ preset, firstTokenMs, tokenMs }) => [
    preset,
    `first token after ${formatMs(firstTokenMs)}`,
    `then ${formatMs(tokenMs)} a token`,
  ]);
  const { tiles } = config;
  const pictures = [
    ["family", config.family],
    [
      "pictures",
      tiles
        ? `cut into ${tiles.least} to ${tiles.most} tiles${tiles.thumbnail ? ", and whole in small" : ""}`
        : "one square each",
    ],
    ["system text", prompt.systemPrompt ?? "none"],
    ...prompt.assumed.map((what) => ["assumed", what]),
    ...Object.entries(config.chosen ?? {}).map(([choice, value]) => ["chosen", `${choice}: ${value ?? "none"}`]),
  ];
  const derived = Object.entries(config.derived ?? {}).map(([key, from]) => [key, `from ${from}`]);
  return [
    folder,
    "",
    ...section("model", formatTable(pictures)),
    ...section("sizes", formatTable(sizes)),
    ...(derived.length > 0 ? section("not in config.json", formatTable(derived)) : []),
    ...section("parameters", formatTable(counts, [1])),
    ...section("stored", formatTable(stored, [1])),
    ...section("memory", formatTable(needs)),
    ...(speed ? section("speed on this machine, one answer at a time", formatTable(times)) : []),
    ...section(
      `forms in preset ${forms.preset}`,
      formatTable(forms.parts.map(({ part, products, attention, others }) => [part, products, attention, others])),
    ),
  ].slice(0, -1);
}

/** The tensors, one line each, or one line for the same tensor of all layers. */
export function tensorLines(tensors: readonly TensorRow[], all: boolean): string[] {
  const groups = new Map<string, { row: TensorRow; first: number; last: number; count: number }>();
  for (const row of [...tensors].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))) {
    const layer = all ? null : /\.layers\.(\d+)\./.exec(row.name);
    const index = Number(layer?.[1] ?? 0);
    // Layers that differ in type or shape stay apart.
    const key = `${row.name.replace(/\.layers\.\d+\./, layer ? ".layers.*." : "$&")} ${row.dtype} ${row.shape}`;
    const group = groups.get(key);
    if (!group) groups.set(key, { row, first: index, last: index, count: 1 });
    else {
      group.last = index;
      group.count++;
    }
  }
  const rows = [...groups.values()].map(({ row, first, last, count }) => [
    count === 1 ? row.name : row.name.replace(/\.layers\.\d+\./, `.layers.{${first}..${last}}.`),
    row.part,
    row.dtype,
    `[${row.shape.join(", ")}]`,
    formatBytes(row.bytes * count),
  ]);
  return formatTable([["tensor", "part", "type", "shape", "bytes"], ...rows], [4]);
}

const formatMs = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;

function section(title: string, lines: string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`), ""];
}

function byTotalLast([a]: [string, number], [b]: [string, number]): number {
  return Number(a === "total") - Number(b === "total") || a.localeCompare(b);
}

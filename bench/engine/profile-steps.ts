/** @file Where the time of a decoder step or of a picture goes, node by node: `tsx bench/engine/profile-steps.ts CHECKPOINT CACHE [preset] [past]`. */
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCheckpoint, nativeRuntime, presetGraphs, kernelLibraryPath, type Preset } from "../../src/engine/index.ts";
import { DecoderRunner, KvCache } from "../../src/engine/run/index.ts";
import { ExternalData, serialize } from "../../src/graph/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";

/** Steps of each kind: rows (slots), tokens of each. */
const STEPS = [
  [1, 1],
  [2, 1],
  [4, 1],
  [8, 1],
  [16, 1],
  [1, 8],
  [1, 290],
] as const;
const ROUNDS = 12;

const [folder, cacheDir, preset = "auto", past = "300"] = process.argv.slice(2);
const checkpoint = await openCheckpoint(folder!);
const config = parseConfig(checkpoint.config);
const runtime = nativeRuntime();
const compiled = process.env.WEIGHTS ? await (async () => {
  const dir = mkdtempSync("/tmp/eng/graphs-");
  linkSync(process.env.WEIGHTS!, join(dir, "weights.data"));
  const graphs = presetGraphs(preset as Preset, config);
  const data = new ExternalData("weights.data");
  writeFileSync(join(dir, "vision.onnx"), serialize(graphs.vision, data).bytes);
  writeFileSync(join(dir, "decode.onnx"), serialize(graphs.decode, data).bytes);
  return { decode: join(dir, "decode.onnx"), vision: join(dir, "vision.onnx"), customOps: kernelLibraryPath() };
})() : await compileCheckpoint(checkpoint, config, {
  preset: preset as Preset,
  runtimeVersion: runtime.version,
  cacheDir,
});

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Node types with the sum of each node's fastest time, largest first. */
function nodeTimes(file: string, from: number): string {
  const fastest = new Map<string, { type: string; us: number }>();
  for (const event of JSON.parse(readFileSync(file, "utf8")) as Event[]) {
    if (event.cat !== "Node" || !event.name.endsWith("_kernel_time") || event.ts < from) continue;
    const type = event.args?.op_name ?? "?";
    const part = /gate_proj|up_proj|down_proj|o_proj|qkv|q_proj|lm_head|embed_tokens|fc1|fc2|out_proj/.exec(event.name)?.[0];
    const label = part ? `${type} ${part}` : type;
    const us = Math.min(event.dur, fastest.get(event.name)?.us ?? Number.POSITIVE_INFINITY);
    fastest.set(event.name, { type: label, us });
  }
  const sums = new Map<string, { us: number; nodes: number }>();
  for (const { type, us } of fastest.values()) {
    const sum = sums.get(type) ?? { us: 0, nodes: 0 };
    sums.set(type, { us: sum.us + us, nodes: sum.nodes + 1 });
  }
  const total = [...sums.values()].reduce((all, { us }) => all + us, 0);
  const rows = [...sums].sort(([, a], [, b]) => b.us - a.us).slice(0, 12);
  return [
    `  ${(total / 1000).toFixed(2)} ms in nodes`,
    ...rows.map(([type, { us, nodes }]) => `  ${(us / 1000).toFixed(3).padStart(9)} ms ${type} x${nodes}`),
  ].join("\n");
}

const random = (count: number): Float32Array => new Float32Array(count).map((_, i) => Math.sin(i * 0.37) * 0.05);

for (const profiled of [false, true])
  for (const [rows, tokens] of STEPS) {
    const prefix = join(tmpdir(), `flashvl-profile-${process.pid}-${rows}-${tokens}`);
    const session = await runtime.createSession(compiled.decode, {
      threads: 2,
      customOps: compiled.customOps,
      ...(profiled ? { profilePrefix: prefix } : {}),
    });
    const cache = new KvCache(config.decoder, 2048);
    const lengths = new Array<number>(rows).fill(tokens > 8 ? 0 : Number(past));
    cache.ensure(rows, Number(past) + tokens + 1, lengths);
    const runner = new DecoderRunner(config.decoder, { prefill: session, decode: session }, cache);
    const embeds = random(rows * tokens * config.decoder.hiddenSize);
    const logitRows = tokens > 8 ? [tokens - 1] : Array.from({ length: rows * tokens }, (_, i) => i);
    const times: number[] = [];
    const rounds = tokens > 8 ? 4 : ROUNDS;
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      await runner.run({ graph: "decode", slots: Array.from({ length: rows }, (_, i) => i), tokens, embeds, lengths, logitRows });
      times.push(performance.now() - start);
    }
    await runner.dispose();
    times.sort((a, b) => a - b);
    const head = `${rows} rows of ${tokens}`;
    if (!profiled) console.log(`${head}: fastest ${times[0]!.toFixed(1)} ms, median ${times[times.length >> 1]!.toFixed(1)} ms`);
    else {
      const { readdirSync } = await import("node:fs");
      const file = readdirSync(tmpdir()).find((name) => join(tmpdir(), name).startsWith(prefix))!;
      console.log(`${head}:\n${nodeTimes(join(tmpdir(), file), 0)}`);
      rmSync(join(tmpdir(), file));
    }
  }
await checkpoint.close();

/**
 * @file Where the time of a decoder step and of a picture goes, node by node:
 * `tsx bench/engine/profile-steps.ts CHECKPOINT CACHE [preset] [past] [steps]`; steps, as "1x1,16x1,1x290", are all and a
 * picture unless given.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { compileCheckpoint, openModelCheckpoint, type Preset } from "../../src/compile/index.ts";
import { DecoderRunner, openKvCache } from "../../src/engine/run/index.ts";
import type { Session, Tensor } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

/** Steps of each kind: sequences, new tokens of each. */
const STEPS = [
  [1, 1],
  [2, 1],
  [4, 1],
  [8, 1],
  [16, 1],
  [1, 8],
  [1, 290],
];
const ROUNDS = 12;
const THREADS = 2;

const [folder, cacheDir, preset = "auto", past = "300", only] = process.argv.slice(2);
const steps = only?.split(",").map((step) => step.split("x").map(Number)) ?? STEPS;
const { checkpoint, config } = await openModelCheckpoint(folder!);
const runtime = nativeRuntime();
const compiled = await compileCheckpoint(checkpoint, config, {
  preset: preset as Preset,
  runtime,
  cacheDir,
});

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Node types with the sum of each node's fastest time, largest first. */
function nodeTimes(file: string): string {
  const fastest = new Map<string, { type: string; us: number }>();
  for (const { cat, name, dur, args } of JSON.parse(readFileSync(file, "utf8")) as Event[]) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const part = name.includes("lm_head") ? " of the head" : "";
    const us = Math.min(dur, fastest.get(name)?.us ?? Number.POSITIVE_INFINITY);
    fastest.set(name, { type: `${args?.op_name ?? "?"}${part}`, us });
  }
  const sums = new Map<string, { us: number; nodes: number }>();
  for (const { type, us } of fastest.values()) {
    const sum = sums.get(type) ?? { us: 0, nodes: 0 };
    sums.set(type, { us: sum.us + us, nodes: sum.nodes + 1 });
  }
  return [...sums]
    .sort(([, a], [, b]) => b.us - a.us)
    .map(([type, { us, nodes }]) => `  ${(us / 1000).toFixed(3).padStart(9)} ms ${type} x${nodes}`)
    .join("\n");
}

/** Runs something twice: for its time, and with a profile for its nodes. */
async function report(
  name: string,
  graph: string,
  rounds: number,
  prepare: (session: Session) => Promise<() => Promise<unknown>>,
) {
  const profilePrefix = join(tmpdir(), `flashvl-profile-${process.pid}-${name.replaceAll(" ", "-")}`);
  for (const extra of [{}, { profilePrefix }]) {
    const session = await runtime.createSession(graph, { threads: THREADS, customOps: compiled.customOps, ...extra });
    const run = await prepare(session);
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      await run();
      times.push(performance.now() - start);
    }
    await session.dispose();
    times.sort((a, b) => a - b);
    if (!("profilePrefix" in extra))
      console.log(`${name}: fastest ${times[0]!.toFixed(1)} ms, median ${times[rounds >> 1]!.toFixed(1)} ms`);
  }
  const written = readdirSync(dirname(profilePrefix)).find((file) => file.startsWith(`${basename(profilePrefix)}_`))!;
  console.log(nodeTimes(join(dirname(profilePrefix), written)));
  rmSync(join(dirname(profilePrefix), written));
}

const numbers = (count: number): Float32Array => new Float32Array(count).map((_, i) => Math.sin(i * 0.37) * 0.05);

for (const [sequences, tokens] of steps as [number, number][]) {
  const reading = tokens > 8;
  await report(
    `${sequences} sequences ${tokens} new tokens`,
    compiled.decode,
    reading ? 4 : ROUNDS,
    async (session) => {
      const most = { slots: 1, capacity: config.decoder.maxPositions };
      const cache = await openKvCache(runtime, config.decoder, session, most);
      const lengths = new Array<number>(sequences).fill(reading ? 0 : Number(past));
      await cache.ensure(sequences, Number(past) + tokens + 1, lengths);
      // Pages that were never written would come from the cache.
      for (const { key, value } of cache.rows(0, sequences))
        for (const { data } of [key, value] as Tensor[])
          (data as Float32Array | Uint16Array).fill(cache.dtype === "float16" ? 0x211f : 0.01);
      const runner = new DecoderRunner(config.decoder, { prefill: session, decode: session }, cache);
      const embeds = numbers(sequences * tokens * config.decoder.hiddenSize);
      const logitRows = reading ? [tokens - 1] : [...new Array(sequences * tokens).keys()];
      const slots = [...new Array(sequences).keys()];
      return () => runner.run({ graph: "decode", slots, tokens, embeds, lengths, logitRows });
    },
  );
}
if (!only)
  await report("picture", compiled.vision, 3, async (session) => {
    const size = config.vision.imageSize;
    const pixels = runtime.createTensor("float32", [1, 3, size, size]);
    (pixels.data as Float32Array).set(numbers(3 * size * size));
    session.bindInput("pixels", pixels);
    session.bindOutput(
      "features",
      runtime.createTensor("float32", [1, config.windowTokens, config.decoder.hiddenSize]),
    );
    return () => session.run();
  });
await checkpoint.close();

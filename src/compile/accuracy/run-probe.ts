/** @file Runs graphs with extra outputs over prompts: compiled into a temporary folder, gone afterwards. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExternalData, type GraphOutputs, serialize } from "../../graph/index.ts";
import type { Checkpoint } from "../../hub/index.ts";
import type { Runtime, Session, SessionOptions } from "../../runtime/index.ts";
import { QuantizePool } from "../quantize-pool.ts";
import { tensorReader, writeWeights } from "../write-weights.ts";
import { type AccuracyModel, PromptReader } from "./prompt-reader.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

/** The two graphs with their extra outputs, and who binds and reads these. */
export interface Probe {
  vision: GraphOutputs;
  /** The decode graph: with queries. */
  decoder: GraphOutputs;
  runtime: Runtime;
  session: SessionOptions;
  signal?: AbortSignal;
  /** Binds the extra outputs of a graph; what it gives back is called after each run of that graph. */
  bind(graph: "vision" | "decoder", session: Session): () => void;
}

/** Reads every prompt once. Takes disk and memory for all weights of both graphs while it runs. */
export async function runProbe(
  checkpoint: Checkpoint,
  model: AccuracyModel,
  prompts: readonly AccuracyPrompt[],
  { vision, decoder, runtime, session, signal, bind }: Probe,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-probe-"));
  try {
    const data = new ExternalData("weights.data");
    const file = (name: string) => join(folder, `${name}.onnx`);
    for (const [name, graph] of Object.entries({ vision, decoder }))
      await writeFile(file(name), serialize(graph, data).bytes);
    await using maker = new QuantizePool();
    await writeWeights(join(folder, data.location), data, tensorReader(checkpoint), { signal, maker });
    const load = (name: string) => runtime.createSession(file(name), session);
    const sessions = { vision: await load("vision"), decode: await load("decoder") };
    await using reader = await PromptReader.open(runtime, model, { ...sessions, prefill: sessions.decode });
    const [onImage, onPrompt] = [bind("vision", sessions.vision), bind("decoder", sessions.decode)];
    for (const prompt of prompts) {
      signal?.throwIfAborted();
      await reader.read(prompt, { onImage });
      onPrompt();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

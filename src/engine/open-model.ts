/** @file From a model's name to everything that answering needs, loaded; or to an error that leaves nothing behind. */
import { type Checkpoint, openCheckpoint, resolveModel } from "../hub/index.ts";
import type { FlashVLConfig } from "../model/index.ts";
import { checkDevice } from "./check-device.ts";
import {
  compileCheckpoint,
  kernelsLibrary,
  type ModelGraphs,
  openCompiled,
  type Preset,
  presetGraphs,
} from "./compile/index.ts";
import { defaultModelFolder } from "./default-model.ts";
import { devicePrecision } from "./device-precision.ts";
import { type OpenLimits, type OpenOptions, openLimits } from "./open-options.ts";
import { type CheckpointDescription, readCheckpoint } from "./read-checkpoint.ts";
import { disposeSessions, nativeRuntime, type Session, type SessionOptions } from "./runtime/index.ts";
import {
  checkpointEmbeddings,
  type EmbeddingTable,
  LiveWeights,
  liveEmbeddings,
  loadParameters,
} from "./weights/index.ts";

/** The vision, prefill and decode sessions; the last two may be one. */
export type ModelSessions = Record<keyof ModelGraphs, Session>;

/** A loaded model; whoever has it releases `sessions` and closes `checkpoint`. */
export interface OpenModel extends CheckpointDescription {
  name: string;
  folder: string;
  checkpoint: Checkpoint;
  sessions: ModelSessions;
  embeddings: EmbeddingTable;
  /** Present when the weights are live. */
  live: LiveWeights | undefined;
  limits: OpenLimits;
  runtime: string;
  preset: Preset;
}

/**
 * Finds, downloads if need be, checks, compiles if need be, and loads a model.
 * @throws HubError, CheckpointError, RangeError, RuntimeError: each says what to do.
 */
export async function openModel(name: string | undefined, options: OpenOptions): Promise<OpenModel> {
  const { onProgress, signal } = options;
  // First: a device that is not there must not cost a download and a compilation.
  nativeRuntime().check(sessionOptions(options));
  await checkDevice(options.device ?? "cpu");
  const folder =
    name === undefined
      ? defaultModelFolder()
      : await resolveModel(name, {
          signal,
          onProgress: ({ bytes, totalBytes }) => onProgress?.({ phase: "download", done: bytes, total: totalBytes }),
        });
  const checkpoint = await openCheckpoint(folder);
  try {
    signal?.throwIfAborted();
    const description = await readCheckpoint(checkpoint);
    const { config } = description;
    const limits = openLimits(options, config.decoder.maxPositions);
    const compiled = (options.weights ?? "compiled") === "compiled";
    const named = options.preset ?? options.overrides ?? options.kernels;
    if (options.compiled !== undefined && (named !== undefined || !compiled))
      throw new RangeError(
        "A compiled folder has its precision already; leave out preset, overrides, kernels and live weights.",
      );
    if ((options.device ?? "cpu") !== "cpu" && (options.compiled !== undefined || !compiled))
      throw new RangeError(
        `Live weights and compiled folders are for the CPU; leave them out for device "${options.device}".`,
      );
    const weights = compiled
      ? await loadCompiled(checkpoint, config, options)
      : await loadLive(checkpoint, config, options);
    const { version: runtime } = nativeRuntime();
    return { name: name ?? folder, folder, checkpoint, ...description, limits, runtime, ...weights };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

type Weights = Pick<OpenModel, "sessions" | "embeddings" | "live" | "preset">;

const sessionOptions = ({ threads, device }: OpenOptions): SessionOptions => ({ threads, device });

async function loadCompiled(checkpoint: Checkpoint, config: FlashVLConfig, options: OpenOptions): Promise<Weights> {
  const runtime = nativeRuntime();
  const { device = "cpu", overrides, kernels, cacheDir, signal, onProgress } = options;
  const { preset, activations } = await devicePrecision(device, options.preset);
  const compile = async () => ({
    ...(await compileCheckpoint(checkpoint, config, {
      preset,
      overrides,
      kernels,
      device,
      activations,
      runtimeVersion: runtime.version,
      cacheDir,
      signal,
      onProgress: (done, total) => onProgress?.({ phase: "compile", done, total }),
    })),
    preset,
  });
  const paths =
    options.compiled === undefined
      ? await compile()
      : await openCompiled(options.compiled, checkpoint, runtime.version);
  const native = { ...sessionOptions(options), customOps: paths.customOps };
  const load = (graph: keyof ModelGraphs) => runtime.createSession(paths[graph], native);
  const sessions = await loadSessions(load, paths.prefill === paths.decode, options);
  const embeddings = checkpointEmbeddings(checkpoint, config.decoder.hiddenSize);
  return { sessions, embeddings, live: undefined, preset: paths.preset };
}

async function loadLive(checkpoint: Checkpoint, config: FlashVLConfig, options: OpenOptions): Promise<Weights> {
  const { preset = "fp32", overrides = {} } = options;
  if (preset !== "fp32" || Object.keys(overrides).length > 0)
    throw new RangeError(
      `Live weights are float32; found preset "${preset}" or overrides. Use compiled weights for them.`,
    );
  const live = new LiveWeights();
  const given = options.weights;
  live.set(typeof given === "object" ? given : await loadParameters(checkpoint, config));
  const { kernels = "standard" } = options;
  const graphs = presetGraphs(preset, config, { attention: kernels });
  const customOps = kernelsLibrary(kernels);
  if (kernels === "native" && !customOps)
    throw new Error('This package\'s kernels do not load here; leave out kernels: "native".');
  const native = { ...sessionOptions(options), customOps };
  const load = (graph: keyof ModelGraphs) => live.load(nativeRuntime(), graphs[graph], native);
  const sessions = await loadSessions(load, graphs.prefill === graphs.decode, options);
  const table = () => live.get("llm.model.embed_tokens.weight").data as Float32Array;
  return { sessions, embeddings: liveEmbeddings(table, config.decoder.hiddenSize), live, preset };
}

/** Loads one graph after the other: loading has a peak of memory of its own. */
async function loadSessions(
  load: (graph: keyof ModelGraphs) => Promise<Session>,
  shared: boolean,
  { onProgress, signal }: OpenOptions,
): Promise<ModelSessions> {
  const loaded: Session[] = [];
  const total = shared ? 2 : 3;
  const next = async (graph: keyof ModelGraphs): Promise<Session> => {
    signal?.throwIfAborted();
    onProgress?.({ phase: "load", done: loaded.length, total });
    const session = await load(graph);
    loaded.push(session);
    return session;
  };
  try {
    const vision = await next("vision");
    const decode = await next("decode");
    const prefill = shared ? decode : await next("prefill");
    onProgress?.({ phase: "load", done: total, total });
    signal?.throwIfAborted();
    return { vision, prefill, decode };
  } catch (error) {
    await disposeSessions(loaded);
    throw error;
  }
}

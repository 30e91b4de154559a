/** @file From a model's name to everything that answering needs, loaded; or to an error that leaves nothing behind. */

import { note } from "../common/node.ts";
import {
  checkpointEmbeddings,
  compileCheckpoint,
  kernelsLibrary,
  type LayerOverrides,
  loadParameters,
  type ModelCheckpoint,
  type ModelGraphs,
  openCompiled,
  openModelCheckpoint,
  type Preset,
  presetGraphs,
  readCheckpoint,
} from "../compile/index.ts";
import {
  checkDevice,
  type ModelInfo as EngineInfo,
  type EngineParts,
  engineLimits,
  LiveWeights,
  liveEmbeddings,
  type ModelSessions,
  openKvCache,
  type PictureReader,
  pictureLimits,
} from "../engine/index.ts";
import { type Checkpoint, resolveModel } from "../hub/index.ts";
import type { ModelChoices, ModelConfig } from "../model/index.ts";
import { hashPicture, makePicturePixels, openImage } from "../processor/index.ts";
import { disposeSessions, type Runtime, type Session, type SessionOptions } from "../runtime/index.ts";
import { nativeRuntime } from "../runtime/ort/index.ts";
import { defaultModelFolder } from "./default-model.ts";
import { devicePrecision } from "./device-precision.ts";
import { compileInThread } from "./grammar-thread.ts";
import { choicesOf, type OpenOptions, refuseUnknownOptions } from "./open-options.ts";
import { tellKernels } from "./tell-kernels.ts";

/** What was opened, as Node knows it. */
export interface ModelInfo extends EngineInfo {
  folder: string;
  preset: Preset;
  /** Precisions of single layers beside the preset. */
  overrides: LayerOverrides;
  /** The folder that was named in place of a preset. */
  compiled: string | undefined;
  /** The checkpoint's weight files, an adapter's and its base's among them. */
  files: readonly string[];
  /** What was chosen about the checkpoint: by the caller, or by `flashvl check` before. */
  choices: ModelChoices;
}

/** An engine's parts, loaded. */
export interface OpenModel extends EngineParts {
  info: ModelInfo;
}

/** Downloads and guards of addresses, files, and hashes: Node's. */
const pictures: PictureReader = { open: openImage, hash: hashPicture, pixels: makePicturePixels };

/**
 * Finds, downloads if need be, checks, compiles if need be, and loads a model.
 * @throws HubError, CheckpointError, RangeError, RuntimeError: each says what to do; TypeError for an option that does not exist.
 */
export async function openModel(name: string | undefined, options: OpenOptions): Promise<OpenModel> {
  const { onProgress, signal } = options;
  refuseUnknownOptions(options);
  // First: a device that is not there must not cost a download and a compilation.
  await assertDevice(options);
  const folder =
    name === undefined
      ? defaultModelFolder()
      : await resolveModel(name, {
          signal,
          onProgress: ({ bytes, totalBytes }) => onProgress?.({ phase: "download", done: bytes, total: totalBytes }),
        });
  return loadModel(await openModelCheckpoint(folder, choicesOf(options)), name ?? folder, options);
}

/** @throws RuntimeError when the device is not there, or computes wrongly */
async function assertDevice(options: OpenOptions): Promise<void> {
  const { device = "cpu", runtime = nativeRuntime() } = options;
  runtime.check(sessionOptions(options));
  await checkDevice(runtime, device);
}

/**
 * Compiles a checkpoint if need be, and loads it. The model takes the checkpoint over: it is closed with it, or when this fails.
 * @param name what the model is called
 * @throws CheckpointError, RangeError, RuntimeError: each says what to do.
 */
export async function loadModel(
  { checkpoint, config }: ModelCheckpoint,
  name: string,
  options: OpenOptions,
): Promise<OpenModel> {
  const { signal, device = "cpu", runtime = nativeRuntime() } = options;
  try {
    refuseUnknownOptions(options);
    await assertDevice(options);
    signal?.throwIfAborted();
    const description = await readCheckpoint(checkpoint, config);
    const limits = engineLimits(options, config.decoder.maxPositions);
    refuseContradictions(options);
    const { weights = "compiled" } = options;
    const load = weights === "compiled" ? loadCompiled : loadLive;
    const { preset, ...loaded } = await load(runtime, checkpoint, config, options);
    const { sessions } = loaded;
    const cache = await openKvCache(runtime, config.decoder, sessions.decode, {
      slots: limits.maxBatch,
      capacity: limits.maxContext,
    }).catch(async (error) => {
      await disposeSessions(Object.values(sessions));
      throw error;
    });
    const info: ModelInfo = {
      name,
      folder: checkpoint.folder,
      preset,
      overrides: options.overrides ?? {},
      compiled: options.compiled,
      files: checkpoint.files,
      choices: chosen({
        ...config.chosen,
        maxTiles: options.maxTiles ?? config.chosen?.maxTiles,
        thumbnail: options.thumbnail ?? config.chosen?.thumbnail,
        iss: config.connector.stitching?.form,
      }),
      device,
      runtime: runtime.version,
      maxContext: limits.maxContext,
      maxBatch: limits.maxBatch,
      weights: loaded.live ? "live" : "compiled",
    };
    const limited = { limits, pictureLimits: pictureLimits(options) };
    return {
      info,
      description,
      runtime,
      pictures,
      compileApart: compileInThread,
      cache,
      ...limited,
      ...loaded,
      close: () => checkpoint.close(),
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

const chosen = <T extends object>(choices: T): T =>
  Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined)) as T;

/** @throws RangeError for options that say two things about the same */
function refuseContradictions(options: OpenOptions): void {
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
}

type Weights = Pick<EngineParts, "sessions" | "embeddings" | "live"> & { preset: Preset };

const sessionOptions = ({ threads, device }: OpenOptions): SessionOptions => ({ threads, device });

async function loadCompiled(
  runtime: Runtime,
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: OpenOptions,
): Promise<Weights> {
  const { device = "cpu", overrides, kernels, cacheDir, signal, onProgress } = options;
  const { preset, activations } = await devicePrecision(runtime, device, options.preset, config);
  if ((options.preset ?? options.compiled) === undefined) tellPrecision(preset, checkpoint.folder);
  if (kernels === undefined) tellKernels(runtime, device, preset);
  const compile = async () => ({
    ...(await compileCheckpoint(checkpoint, config, {
      preset,
      overrides,
      kernels,
      device,
      activations,
      runtime,
      cacheDir,
      signal,
      onProgress: (done, total) => onProgress?.({ phase: "compile", done, total }),
    })),
    preset,
  });
  const paths =
    options.compiled === undefined ? await compile() : await openCompiled(options.compiled, checkpoint, runtime);
  const native = { ...sessionOptions(options), customOps: paths.customOps };
  const load = (graph: keyof ModelGraphs) => runtime.createSession(paths[graph], native);
  const sessions = await loadSessions(load, paths.prefill === paths.decode, options);
  const embeddings = checkpointEmbeddings(checkpoint, config);
  return { sessions, embeddings, live: undefined, preset: paths.preset };
}

/** Folders of models whose precision has been told. */
const told = new Set<string>();

/** Answers of large models are not those of float32 unless that is asked for: whoever opens one is told once. */
function tellPrecision(preset: Preset, folder: string): void {
  if (preset !== "auto" || told.has(folder)) return;
  told.add(folder);
  note(
    'This model is large, so it opens in precision "auto": less memory, quicker answers. For float32: --preset fp32, in the library preset: "fp32".',
  );
}

async function loadLive(
  runtime: Runtime,
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: OpenOptions,
): Promise<Weights> {
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
  const customOps = kernelsLibrary(runtime, kernels);
  if (kernels === "native" && !customOps)
    throw new Error('This package\'s kernels do not load here; leave out kernels: "native".');
  const native = { ...sessionOptions(options), customOps };
  const load = (graph: keyof ModelGraphs) => live.load(runtime, graphs[graph], native);
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

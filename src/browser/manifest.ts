/** @file The manifest of a model that was exported for pages: what `flashvl export --web` writes and a page reads first. */
import type { ModelCard } from "../engine/index.ts";
import type { GenerationDefaults, ModelConfig } from "../model/index.ts";
import type { Dialect, PreprocessorConfig } from "../processor/core.ts";

export const MANIFEST_FILE = "manifest.json";
export const MANIFEST_FORMAT = "flashvl-web";
export const MANIFEST_VERSION = 1;

/** What the graphs name as their file of weights. */
export const WEIGHTS_NAME = "weights.data";

/** Where graphs run in a page. */
export type WebDevice = "wasm" | "webgpu";

/** A piece of a file, kept under a name that its content gives it, so that hosts and browsers may cache it for ever. */
export interface Chunk {
  readonly sha256: string;
  readonly bytes: number;
}

/** A file of the model: its chunks, one after the other. */
export interface WebFile {
  readonly bytes: number;
  readonly chunks: readonly Chunk[];
}

/** Names of the files of one device's graphs. */
export interface WebGraphs {
  readonly vision: string;
  /** The same name as `decode` where one graph serves both. */
  readonly prefill: string;
  readonly decode: string;
  readonly weights: string;
  /** Whether they need an adapter with `shader-f16`. */
  readonly float16: boolean;
}

/** A model as a page opens it. Its sizes were checked when it was exported. */
export interface WebManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly version: typeof MANIFEST_VERSION;
  /** Version of the package that wrote it. */
  readonly flashvl: string;
  /** Version of onnxruntime-web that the graphs were made for. */
  readonly onnxruntime: string;
  readonly name: string;
  readonly preset: string;
  readonly config: ModelConfig;
  readonly preprocessor: PreprocessorConfig;
  readonly dialect: Dialect;
  readonly endTokens: readonly number[];
  /** What a request does not say. */
  readonly generation: GenerationDefaults;
  /** What the model's folder says of it. */
  readonly card: ModelCard;
  /** Names of the tokenizer's two files. */
  readonly tokenizer: { readonly json: string; readonly config: string };
  /** Rows of token embeddings, [vocabulary, hidden], in the type that they were stored in. */
  readonly embeddings: { readonly file: string; readonly dtype: "BF16" | "F16" | "F32" };
  readonly graphs: Readonly<Partial<Record<WebDevice, WebGraphs>>>;
  readonly files: Readonly<Record<string, WebFile>>;
}

/** Where a chunk lies beside the manifest. */
export const chunkPath = ({ sha256 }: Chunk): string => `chunks/${sha256.slice(0, 32)}.bin`;

/** Names of the files that a page needs to run on a device. */
export function filesFor(manifest: WebManifest, device: WebDevice): string[] {
  const { vision, prefill, decode, weights } = manifest.graphs[device]!;
  const { tokenizer, embeddings } = manifest;
  return [...new Set([tokenizer.json, tokenizer.config, embeddings.file, vision, prefill, decode, weights])];
}

/**
 * Makes sure that parsed JSON is a manifest whose files can be fetched.
 * @throws Error saying what was found and what to do
 * @example const manifest = checkManifest(await response.json(), url);
 */
export function checkManifest(json: unknown, url: string): WebManifest {
  const refuse = (found: string): Error =>
    new Error(`${url} ${found}. Export the model again with this version: flashvl export --web.`);
  const found = (typeof json === "object" && json !== null ? json : {}) as Partial<WebManifest>;
  if (found.format !== MANIFEST_FORMAT) throw refuse("is not the manifest of a model exported for pages");
  if (found.version !== MANIFEST_VERSION)
    throw refuse(`has format version ${found.version}; this version reads ${MANIFEST_VERSION}`);
  const { files, graphs, config, tokenizer, embeddings, preprocessor, dialect, endTokens, generation, card } = found;
  if (
    !(
      files &&
      graphs &&
      config &&
      tokenizer &&
      embeddings &&
      preprocessor &&
      dialect &&
      card &&
      generation &&
      Array.isArray(endTokens)
    )
  )
    throw refuse("is incomplete");
  for (const [name, file] of Object.entries(files)) {
    const chunks = Array.isArray(file?.chunks) ? file.chunks : [];
    const whole = chunks.every(
      ({ sha256, bytes }) => /^[0-9a-f]{64}$/.test(sha256) && Number.isSafeInteger(bytes) && bytes > 0,
    );
    if (!whole || chunks.reduce((sum, { bytes }) => sum + bytes, 0) !== file?.bytes)
      throw refuse(`says of ${name} sizes that contradict each other`);
  }
  const devices = Object.keys(graphs) as WebDevice[];
  for (const device of devices)
    for (const name of filesFor(found as WebManifest, device))
      if (!Object.hasOwn(files, name)) throw refuse(`lists no file ${name}`);
  return found as WebManifest;
}

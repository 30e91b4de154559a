/** @file What a frozen tower makes of pictures: computed once and kept on disk, so that an epoch over pairs runs no tower. */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../common/node.ts";
import { type ModelConfig, parametersOf, seenPictures } from "../model/index.ts";
import type { Sequence } from "./data/sequence.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { SEEING_PARTS } from "./picture-input.ts";
import { referenceIdentity } from "./reference-sums.ts";
import { createStepSession, type StepSession, type StepSessionOptions } from "./step-session.ts";

export interface PictureTokensOptions extends Pick<StepSessionOptions, "on" | "threads" | "precision"> {
  /** Where tokens are kept, in a folder of its own for each tower. */
  readonly folder: string;
  /** Bytes that may be kept; pictures beyond are computed every time. */
  readonly most: number;
  /** Processes that write into the folder: what is free of it is shared among them. Default 1. */
  readonly writers?: number;
}

/** Bytes of the files in a folder's folders. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await stat(join(folder, name));
    if (found.isFile()) bytes += found.size;
  }
  return bytes;
}

/** Picture tokens by the content of pixels, from the disk where they are known. */
export class PictureTokens {
  readonly #config: ModelConfig;
  readonly #store: ParameterStore;
  readonly #options: PictureTokensOptions;
  readonly #folder: string;
  #kept: number;
  #session: Promise<StepSession> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    config: ModelConfig,
    store: ParameterStore,
    options: PictureTokensOptions,
    folder: string,
    kept: number,
  ) {
    this.#config = config;
    this.#store = store;
    this.#options = options;
    this.#folder = folder;
    this.#kept = kept;
  }

  /** @param store weights whose tower and adapter never change */
  static async open(config: ModelConfig, store: ParameterStore, options: PictureTokensOptions): Promise<PictureTokens> {
    const seeing = new Set<string>(SEEING_PARTS);
    const parts = { parameters: store.parameters.filter(({ part }) => seeing.has(part)), get: store.get.bind(store) };
    const computed = JSON.stringify({ precision: options.precision, kernels: !!options.on.kernels });
    const folder = join(options.folder, (await referenceIdentity(parts, computed)).slice(0, 16));
    await mkdir(folder, { recursive: true });
    const kept = await sizeOf(folder);
    const most = kept + (options.most - kept) / (options.writers ?? 1);
    return new PictureTokens(config, store, { ...options, most }, folder, kept);
  }

  /** The sample with tokens [windows · windowTokens, hidden] in the place of each picture's pixels. */
  async of<T extends Sequence>(sample: T): Promise<T> {
    const pictures: Float32Array[] = [];
    for (const pixels of sample.pictures) pictures.push(await this.#tokens(pixels));
    return { ...sample, windows: sample.windows ?? pictures.map(() => 1), pictures };
  }

  async #tokens(pixels: Float32Array): Promise<Float32Array> {
    const hash = createHash("sha256").update(pixels).digest("hex").slice(0, 40);
    const path = join(this.#folder, hash.slice(0, 2), hash);
    const { windowTokens, decoder, vision } = this.#config;
    const each = windowTokens * decoder.hiddenSize;
    const windows = pixels.length / (3 * vision.imageSize ** 2);
    const known = await readFile(path).catch(() => undefined);
    if (known?.length === windows * each * 4)
      return new Float32Array(known.buffer.slice(known.byteOffset, known.byteOffset + known.length));
    const tokens = new Float32Array(windows * each);
    // One window at a time, so that a picture's tokens are the same bits whatever is computed beside it.
    for (let w = 0; w < windows; w++) {
      const of = pixels.subarray((w * pixels.length) / windows, ((w + 1) * pixels.length) / windows);
      tokens.set(await this.#compute(of), w * each);
    }
    if (this.#kept + tokens.byteLength <= this.#options.most) {
      this.#kept += tokens.byteLength;
      await mkdir(join(this.#folder, hash.slice(0, 2)), { recursive: true });
      await writeWhole(path, new Uint8Array(tokens.buffer));
    }
    return tokens;
  }

  /** The tower's memory is one: callers take turns. */
  #compute(window: Float32Array): Promise<Float32Array> {
    const run = async () => {
      this.#session ??= createStepSession(
        { outputs: { tokens: seenPictures(parametersOf(this.#config), this.#config, 1).tokens } },
        this.#store,
        this.#options,
      );
      const session = await this.#session;
      (session.inputs.get("pixels")!.data as Float32Array).set(window);
      await session.run();
      return (session.outputs.get("tokens")!.data as Float32Array).slice();
    };
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }

  async dispose(): Promise<void> {
    await this.#turn;
    await (await this.#session)?.dispose();
  }
}

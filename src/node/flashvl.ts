/** @file FlashVL in Node: opens checkpoints by name, over ONNX Runtime's library unless another runtime is handed in. */
import type { ModelCheckpoint } from "../compile/index.ts";
import { FlashVL as Engine } from "../engine/index.ts";
import { loadModel, type ModelInfo, openModel } from "./open-model.ts";
import type { OpenOptions } from "./open-options.ts";

/**
 * A FlashVL checkpoint, loaded. Any number of chats may run at once; they are decoded together.
 * @example
 * await using model = await FlashVL.fromPretrained("FlashVL/FlashVL-2B-Static-GRPO");
 * console.log(await model.chat("board.png", [{ role: "user", content: "What is the price in row 1?" }]));
 */
export class FlashVL extends Engine {
  declare readonly info: ModelInfo;

  /**
   * Opens a model: a folder, "org/name[@revision]" on the hub, or without a name the checkpoint that ships with the package.
   * The first time it is downloaded and compiled into the cache; later starts load the files.
   * @throws HubError, CheckpointError, RangeError, RuntimeError; nothing stays loaded and no half file is left.
   * @example const model = await FlashVL.fromPretrained("models/mine", { onProgress: ({ phase }) => console.error(phase) });
   */
  static async fromPretrained(name?: string, options: OpenOptions = {}): Promise<FlashVL> {
    return new FlashVL(await openModel(name, options));
  }

  /**
   * Loads a checkpoint that is open already, and takes it over: it is closed with the model, or when loading fails.
   * @throws CheckpointError, RangeError, RuntimeError
   * @example const model = await FlashVL.fromCheckpoint(await openModelCheckpoint("models/mine"));
   */
  static async fromCheckpoint(opened: ModelCheckpoint, options: OpenOptions = {}): Promise<FlashVL> {
    return new FlashVL(await loadModel(opened, opened.checkpoint.folder, options));
  }
}

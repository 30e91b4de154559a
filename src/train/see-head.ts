/** @file Takes the throw-away head of an earlier "see" run along, so that the tower's lesson can go on beside another. */

import { join } from "node:path";
import { openSafetensors } from "../hub/index.ts";
import type { FlashVLConfig, Parameter } from "../model/index.ts";
import { LABELS_PER_PATCH } from "../tasks/index.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { seeHead } from "./see-graph.ts";

export interface LoadedSeeHead {
  readonly classes: number;
  readonly parameters: readonly Parameter[];
  /** Writes the head's weights into a store that has its parameters. */
  fill(store: ParameterStore): void;
}

/**
 * Reads the head from a checkpoint of a "see" run, or of a run that went on with one.
 * @throws CheckpointError when the folder's training state has no head
 */
export async function loadSeeHead(folder: string, config: FlashVLConfig): Promise<LoadedSeeHead> {
  const state = await openSafetensors(join(folder, "training.safetensors"));
  try {
    const read = async (name: string): Promise<Float32Array> => {
      const bytes = await state.readTensor(`weight.${name}`);
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    };
    const values = new Map<string, Float32Array>();
    for (const { name } of seeHead(config, 1)) values.set(name, await read(name));
    const classes = values.get("see.head.bias")!.length / LABELS_PER_PATCH;
    const parameters = seeHead(config, classes);
    return {
      classes,
      parameters,
      fill(store) {
        for (const { name } of parameters) store.get(name).set(values.get(name)!);
      },
    };
  } finally {
    await state.close();
  }
}

/** @file Takes the throw-away head of an earlier "see" run along, so that the tower's lesson can go on beside another. */

import { join } from "node:path";
import { elementCount } from "flashvl/graph";
import { loadTensors, openSafetensors } from "flashvl/hub";
import type { ModelConfig, Parameter } from "flashvl/model";
import { type ParameterStore, TRAINING_STATE_FILE } from "flashvl/train";
import { LABELS_PER_PATCH } from "../market/index.ts";
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
export async function loadSeeHead(folder: string, config: ModelConfig): Promise<LoadedSeeHead> {
  const state = await openSafetensors(join(folder, TRAINING_STATE_FILE));
  try {
    const biases = state.tensors.get("weight.see.head.bias")?.shape[0] ?? 0;
    const classes = Math.max(1, Math.floor(biases / LABELS_PER_PATCH));
    const parameters = seeHead(config, classes);
    // The state of a run is flat.
    const stored = parameters.map(({ name, shape }) => ({ name: `weight.${name}`, shape: [elementCount(shape)] }));
    const values = await loadTensors(state, stored, undefined, "a head of this model");
    return {
      classes,
      parameters,
      fill(store) {
        for (const { name } of parameters) store.get(name).set(values.get(`weight.${name}`)!);
      },
    };
  } finally {
    await state.close();
  }
}

/** @file Whether all ranks of a run were given the same, before the first step: recipe, modules, data, model, and versions. */

import { hostname } from "node:os";
import { basename } from "node:path";
import { fileHash } from "../../common/node.ts";
import { openCheckpoint } from "../../hub/index.ts";
import { type Communicator, gatherValues, nameOfRank, RanksError } from "../../ranks/index.ts";
import type { DpoRecipe, GrpoRecipe, Recipe, SftRecipe } from "../recipe/schema.ts";
import type { DataFiles } from "./data-files.ts";
import { versions } from "./versions.ts";

type Facts = Readonly<Record<string, string | number | undefined>>;

/** Longest value that a message shows. */
const SHOWN = 60;
const show = (value: unknown): string => {
  const text = value === undefined ? "none" : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

/** @throws RanksError on every rank, naming what differs from rank 0's and where */
async function agree(ranks: Communicator, facts: Facts): Promise<void> {
  const all = await gatherValues(ranks, { facts, host: hostname() });
  const [first] = all;
  const lines = all.flatMap(({ facts: found, host }, rank) =>
    [...new Set([...Object.keys(first!.facts), ...Object.keys(found)])]
      .filter((key) => found[key] !== first!.facts[key])
      .map(
        (key) =>
          `  ${nameOfRank({ rank, size: ranks.size }, host)} has ${key} ${show(found[key])}, ${nameOfRank({ rank: 0, size: ranks.size }, first!.host)} ${show(first!.facts[key])}`,
      ),
  );
  if (lines.length > 0)
    throw new RanksError(
      `The ranks of this job differ:\n${lines.join("\n")}\nGive every rank the same recipe, data, model and versions.`,
      { everywhere: true },
    );
}

/** Modules that a recipe names. */
function modulesOf(recipe: Recipe): string[] {
  const paths = [recipe.data.source];
  if (recipe.stage === "sft") {
    paths.push(...recipe.auxiliary.map((loss) => loss.module));
    const metric = recipe.validation?.metric;
    if (typeof metric === "object") paths.push(metric.module);
  }
  if (recipe.stage === "grpo") for (const reward of recipe.rewards) if ("module" in reward) paths.push(reward.module);
  return paths.filter((path) => path !== undefined);
}

/**
 * Compares what the ranks are about to read.
 * @param written the recipe as it stands in its file: absolute paths may differ between machines
 * @throws RanksError naming the keys, modules and versions that differ
 */
export async function agreeOnRecipe(ranks: Communicator, written: object, recipe: Recipe): Promise<void> {
  const { flashvl, onnxruntime, kernels } = versions();
  const keys = Object.entries(written).map(([key, value]) => [`${key} in its recipe:`, JSON.stringify(value)]);
  const modules = await Promise.all(
    modulesOf(recipe).map(async (path) => [`${basename(path)} with hash`, await fileHash(path, "sha256")]),
  );
  await agree(ranks, {
    "flashvl version": flashvl,
    "ONNX Runtime version": onnxruntime,
    kernels,
    MPI: ranks.library,
    ...Object.fromEntries([...keys, ...modules]),
  });
}

/**
 * Compares what the ranks have read.
 * @param recipe complete: what it leaves out was worked out on every rank
 * @param files of its data
 * @throws RanksError naming the files and keys that differ
 */
export async function agreeOnData(
  ranks: Communicator,
  recipe: SftRecipe | GrpoRecipe | DpoRecipe,
  files: DataFiles,
): Promise<void> {
  const { steps, batch, optimizer } = recipe;
  const checkpoint = await openCheckpoint(recipe.model);
  const weights = [...new Set([...checkpoint.tensors.values()].map(({ file }) => file))];
  await checkpoint.close();
  const data = Object.entries(files).map(([path, { hash }]) => [`${basename(path)} with hash`, hash]);
  const model = await Promise.all(
    weights.map(async (path) => [`the model's ${basename(path)} with hash`, await fileHash(path, "sha256")]),
  );
  await agree(ranks, {
    ...Object.fromEntries([...data, ...model]),
    "the model's config": JSON.stringify(checkpoint.config),
    steps,
    "batches of": JSON.stringify(batch),
    "an optimizer of": JSON.stringify(optimizer),
  });
}

/** @file What a checkpoint of a run holds, and which damage a resumed run notices. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StateFileError } from "../../common/node.ts";
import { Optimizer } from "../optim/optimizer.ts";
import { ParameterStore } from "../parameter-store.ts";
import { copyModelFiles, loadTrainingState, saveCheckpoint } from "./training-state.ts";

test("a model takes over its base's configuration, but not the base's scores, adapter or progress", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-base-"));
  const [from, to] = [await mkdtemp(join(folder, "from-")), await mkdtemp(join(folder, "to-"))];
  const taken = ["config.json", "generation_config.json", "merges.txt", "chat_template.jinja"];
  const left = ["evaluation.json", "adapter_config.json", "progress.json", "model.safetensors.index.json", "README.md"];
  for (const name of [...taken, ...left]) await writeFile(join(from, name), "{}");
  await copyModelFiles(from, to);
  expect((await readdir(to)).sort()).toEqual(taken.sort());
  await rm(folder, { recursive: true });
});

test("a damaged state, one of another step, and a progress that makes no sense are refused and named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-state-"));
  const part = "decoder" as const;
  const store = new ParameterStore([{ name: "llm.model.norm.weight", shape: [8], part, role: "norm", required: true }]);
  const optimizer = new Optimizer(store, store.tensors.keys(), {
    learningRate: 0.1,
    schedule: { kind: "constant", warmupSteps: 0, totalSteps: 10 },
    betas: [0.9, 0.99],
    epsilon: 1e-8,
    weightDecay: 0,
    threads: 1,
  });
  try {
    const to = { folder: join(folder, "checkpoints"), modelFiles: folder, keep: 5 };
    const saved: string[] = [];
    for (const step of [22, 24]) {
      store.get("llm.model.norm.weight").fill(step);
      saved.push(
        await saveCheckpoint(to, store, optimizer, { step, cursor: step * 2, random: [1], extra: { best: Infinity } }),
      );
    }
    const [before, last] = saved as [string, string];
    const load = () => loadTrainingState(last, store, optimizer);
    expect(await load()).toEqual({ step: 24, cursor: 48, random: [1], extra: { best: Number.POSITIVE_INFINITY } });
    expect(optimizer.step).toBe(24);
    const refused = async (file: string, how: (good: Buffer) => Buffer | string, why: RegExp) => {
      const path = join(last, file);
      const good = await readFile(path);
      await writeFile(path, how(good));
      const error = await load().catch((e) => e);
      expect(error).toBeInstanceOf(StateFileError);
      expect(error.message).toMatch(why);
      expect(error.message).toContain(`Remove ${last} to go on from step-0000022.`);
      await writeFile(path, good);
    };
    const flipped = (good: Buffer) => Buffer.from(good.map((byte, i) => (i === good.length - 3 ? byte ^ 1 : byte)));
    await refused("training.safetensors", flipped, /training\.safetensors is damaged/);
    const other = await readFile(join(before, "training.safetensors"));
    await refused("training.safetensors", () => other, /of another step than progress\.json/);
    for (const text of ["", "null", "{}", '{"step":24,"cursor":null,"random":[]}'])
      await refused("progress.json", () => text, /progress\.json cannot be used/);
    await refused("progress.json", (good) => String(good).replace("48", "50"), /does not have the hash/);
    await cp(before, last, { recursive: true });
    await expect(load()).rejects.toThrow(/progress\.json is of step 22, its folder of another/);
  } finally {
    await optimizer.dispose();
    await rm(folder, { recursive: true });
  }
});

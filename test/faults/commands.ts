/** @file The commands that faults are tried on: how each is run in a folder, and what must come out of it, whatever happened before. */
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { FakeHub } from "../hub/fake-hub.ts";
import { smallModel } from "../hub/model-files.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));

export interface Command {
  name: string;
  /** Arguments of `flashvl` for a run in `folder`; `again` after a run that did not end. */
  args(folder: string, again: boolean): string[];
  env?(folder: string): Record<string, string>;
  /** Files below the folder, by path, which must be the same bytes as without faults; undefined for those that need not be. */
  result(path: string, content: Buffer): Buffer | undefined;
}

/** Commands over inputs in `inputs`, which they only read. */
export async function openCommands(inputs: string): Promise<{ commands: Command[]; close(): Promise<void> }> {
  const model = join(inputs, "model");
  await mkdir(model);
  for (const name of await readdir(GOLDEN))
    if (
      /^(config|tokenizer.*|added_tokens|generation_config|preprocessor_config)\.json$|^model\.safetensors$/.test(name)
    )
      await cp(join(GOLDEN, name), join(model, name));
  const picture = await readFile(join(GOLDEN, "images", "small.png"));
  await writeFile(join(inputs, "small.png"), picture);
  const turn = (from: string, value: string) => ({ from, value });
  const rows = Array.from({ length: 12 }, (_, i) => ({
    image: "small.png",
    conversations: [turn("human", `<image>\nWhich ${i}?`), turn("gpt", `red ${i}`)],
  }));
  await writeFile(join(inputs, "data.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const recipe = {
    stage: "sft",
    model: "model",
    seed: 5,
    steps: 12,
    data: { file: "data.jsonl" },
    batch: { images: 2, rows: 2, length: 80, labels: 32, headChunk: 16 },
    optimizer: { learningRate: 0.003 },
    saveEvery: 2,
    keep: 2,
    threads: 1,
  };
  await writeFile(join(inputs, "recipe.yaml"), stringify(recipe));
  await mkdir(join(inputs, "sets"));
  const table = rows.map((_, i) => `${i}\tWhat is ${i}?\tx\t${picture.toString("base64")}`);
  await writeFile(join(inputs, "sets", "Own.tsv"), ["index\tquestion\tanswer\timage", ...table].join("\n"));
  const hub = await new FakeHub(smallModel()).start();

  const whole = (_: string, content: Buffer) => content;
  const cache = (folder: string) => ({ FLASHVL_CACHE: join(folder, "cache") });
  const commands: Command[] = [
    {
      name: "compile",
      args: () => ["compile", model, "--preset", "int8"],
      env: cache,
      result: (path, content) => (/\.(onnx|data)$/.test(path) ? content : undefined),
    },
    {
      name: "pull",
      args: () => ["pull", "org/model"],
      env: (folder) => ({ HF_HOME: folder, HF_ENDPOINT: hub.endpoint }),
      result: (path, content) => (/blobs|snapshots|refs/.test(path) ? content : undefined),
    },
    {
      name: "train",
      args: (folder, again) => [
        "train",
        "sft",
        join(inputs, "recipe.yaml"),
        "--run",
        join(folder, "run"),
        ...(again ? ["--resume"] : []),
      ],
      result: (path, content) => {
        if (path.endsWith("metrics.jsonl")) return Buffer.from(content.toString().replace(/,"\w+_ms":[^,}]+/g, ""));
        return path.includes("checkpoints") ? content : undefined;
      },
    },
    {
      name: "eval",
      args: (folder) => [
        "eval",
        "Own",
        "--data",
        join(inputs, "sets"),
        "--model",
        model,
        "--out",
        join(folder, "out"),
        "--max-new-tokens",
        "8",
        "--batch",
        "1",
      ],
      env: cache,
      result: (path, content) => (/(answers|verdicts)\.jsonl$/.test(path) ? content : undefined),
    },
    {
      name: "chat",
      args: () => ["chat", join(inputs, "small.png"), "What is this?", "--model", model, "--max-new-tokens", "8"],
      env: cache,
      result: (path, content) => (path === "stdout" || path.endsWith("weights.data") ? content : undefined),
    },
  ];
  return { commands: commands.map((one) => ({ ...one, result: one.result ?? whole })), close: () => hub.stop() };
}

/** What is left behind by somebody who did not end: temporary names, halves, locks. */
const REMAINS = /\.tmp-|\.tmp$|\.part$|\.incomplete$|\.writing-|\.lock$|\.change-/;

/** Hashes of a command's results, and the remains beside them. */
export async function resultsOf(
  command: Command,
  folder: string,
  stdout: string,
): Promise<{ results: Map<string, string>; remains: string[] }> {
  const results = new Map<string, string>();
  const add = (path: string, content: Buffer) => {
    const kept = command.result(path, content);
    // Folders of a cache are named by keys that hold the age of the inputs, which is the same for all runs.
    if (kept) results.set(path, createHash("sha256").update(kept).digest("hex"));
  };
  add("stdout", Buffer.from(stdout));
  const remains: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (REMAINS.test(entry.name)) remains.push(name);
    if (entry.isDirectory()) continue;
    // A cache holds copies where links cannot be made; a link to a folder is told by where it leads.
    add(name, await readFile(path).catch(async () => Buffer.from(await readlink(path))));
  }
  return { results, remains };
}

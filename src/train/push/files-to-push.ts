/** @file Which files of a checkpoint are for others, and that none of them tells what is private. */

import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type PushedFile, readAdapterConfig } from "../../hub/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { type CardOptions, modelCard } from "./model-card.ts";
import { runOf } from "./run-of.ts";

/** What a model consists of. All else in a folder (state of training, notes, hidden files) stays here. */
const OF_A_MODEL =
  /^(?:(?:config|generation_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|flashvl|chat_template|adapter_config|evaluation|model\.safetensors\.index)\.json|(?:merges|vocab)\.txt|[\w.-]+\.jinja|(?:adapter_model|model(?:-\d+-of-\d+)?)\.safetensors|README\.md|LICENSE(?:\.\w+)?)$/;
const WEIGHTS = /\.safetensors$/;
/** Vocabularies hold texts of all kinds; they are the base's own. */
const NOT_SEARCHED = /\.safetensors$|^(?:tokenizer|vocab|added_tokens)\.json$|^(?:merges|vocab)\.txt$/;
/** The hub's own tokens, and what other services' look like. */
const SECRET = /\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{20,}|ghp_[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16})\b/;

export interface PushPlan {
  readonly files: readonly PushedFile[];
  /** Bytes of each, in their order. */
  readonly sizes: readonly number[];
}

/** The name on a hub of a model in the hub's cache: …/models--org--name/snapshots/… */
const nameInCache = (path: string): string | undefined =>
  /models--([^/\\]+?)--([^/\\]+)[/\\]snapshots/.exec(path)?.slice(1).join("/");

/** The base of an adapter as others can find it. */
async function baseName(folder: string, given: string | undefined): Promise<string> {
  const { base } = await readAdapterConfig(folder);
  if (given) return given;
  const known = base && (nameInCache(base) ?? (isAbsolute(base) || base.startsWith(".") ? undefined : base));
  if (known) return known;
  throw new TrainingInputError(
    `The adapter in ${folder} belongs to ${base ?? "a model that it does not name"}, which others do not have: say with --base what that model is called on the hub, or make a whole model of both with flashvl train merge.`,
  );
}

/** @throws TrainingInputError naming the file and what it would tell */
function refusePrivate(name: string, text: string, folder: string): void {
  if (NOT_SEARCHED.test(name)) return;
  if (SECRET.test(text)) throw new TrainingInputError(`${name} holds what looks like a secret key; remove it first.`);
  const path = [resolve(folder), homedir(), process.cwd()].find(
    (place) => place.length > 1 && text.includes(`${place}/`),
  );
  if (path) throw new TrainingInputError(`${name} names a folder of this machine (${path}); change it first.`);
}

/** Of a config that says where it was loaded from, all but that. */
function withoutOrigin(name: string, text: string): string {
  if (!/config\.json$/.test(name)) return text;
  const config = JSON.parse(text) as Record<string, unknown>;
  const { _name_or_path: origin } = config;
  if (typeof origin !== "string" || !isAbsolute(origin)) return text;
  const { _name_or_path, ...rest } = config;
  return `${JSON.stringify(rest, null, 2)}\n`;
}

/**
 * The files of a model folder or a checkpoint as they are pushed: weights as they stand, configs without paths, an adapter under
 * the name of its base, and a card where the folder has none of its own.
 * @throws TrainingInputError when the folder holds no weights, an adapter's base has no name on the hub, or a file tells a secret
 */
export async function filesToPush(
  folder: string,
  { base, ...card }: Omit<CardOptions, "adapter" | "run">,
): Promise<PushPlan> {
  const names = (await readdir(folder)).filter((name) => OF_A_MODEL.test(name)).sort();
  if (!names.some((name) => WEIGHTS.test(name)))
    throw new TrainingInputError(
      `${folder} holds no model: expected model.safetensors or ${ADAPTER_WEIGHTS}; of a run, push its "best" or "last".`,
    );
  const adapter = names.includes(ADAPTER_CONFIG);
  const named = adapter ? await baseName(folder, base) : base;
  const files: PushedFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (WEIGHTS.test(name) || NOT_SEARCHED.test(name)) {
      files.push({ name, content: { file: path } });
      continue;
    }
    let text = withoutOrigin(name, await readFile(path, "utf8"));
    if (name === ADAPTER_CONFIG)
      text = `${JSON.stringify({ ...(JSON.parse(text) as object), base_model_name_or_path: named }, null, 2)}\n`;
    files.push({ name, content: { text } });
  }
  if (!names.includes("README.md")) {
    const run = await runOf(folder);
    files.push({ name: "README.md", content: { text: modelCard({ ...card, base: named, adapter, run }) } });
  }
  for (const { name, content } of files) if ("text" in content) refusePrivate(name, content.text, folder);
  const sizes = files.map(async ({ content }) =>
    "file" in content ? (await stat(content.file)).size : Buffer.byteLength(content.text),
  );
  return { files, sizes: await Promise.all(sizes) };
}

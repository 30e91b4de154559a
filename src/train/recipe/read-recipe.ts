/** @file Recipes from YAML files: checked, with the defaults of their keys and absolute paths. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { TrainingInputError } from "../input-error.ts";
import type { Resolve } from "../open-module.ts";
import { adviceFor } from "./key-table.ts";
import { type Recipe, recipeKeys, type SftKeys } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** One line for each fault; an unknown key with what was probably meant. */
function faultsOf(issues: readonly Issue[], stage: Recipe["stage"] | undefined): string[] {
  return issues.flatMap((issue): string[] => {
    const { path } = issue;
    if (issue.code === "unrecognized_keys")
      return issue.keys.map(
        (key) => `${[...path, key].join(".")}: there is no such key${stage ? `; ${adviceFor(stage, path, key)}` : ""}`,
      );
    // Of a union the branch that came nearest says more than "invalid input".
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const nearest = [...issue.errors]
        .sort((a, b) => b.length - a.length || 0)
        .find((branch) => branch.some((one) => one.path.length > 0));
      if (nearest)
        return faultsOf(
          nearest.map((one) => ({ ...one, path: [...path, ...one.path] })),
          stage,
        );
    }
    return [`${path.join(".") || "(top)"}: ${issue.message}`];
  });
}

/**
 * Checks parsed content by a schema and fills in its defaults.
 * @param name how errors call it
 * @throws TrainingInputError listing each key that is unknown, missing or of the wrong type
 */
function check<T>(schema: z.ZodType<T>, content: unknown, name: string): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const stage = (content as { stage?: unknown } | null)?.stage;
  const known = stage === "sft" || stage === "grpo" || stage === "dpo" ? stage : undefined;
  const lines = faultsOf(parsed.error.issues, known).map((line) => `  ${line}`);
  throw new TrainingInputError(`${name} is not valid:\n${lines.join("\n")}`);
}

/**
 * Checks the parsed content of a recipe and fills in the defaults of its keys; paths stay as they are.
 * @param name how errors call it
 * @throws TrainingInputError listing each key that is unknown, missing or of the wrong type
 */
export const parseRecipe = (content: unknown, name = "the recipe"): Recipe => check(recipeKeys, content, name);

/**
 * Reads a YAML file by a schema, such as that of a stage of one's own; paths in it stay as they are.
 * @throws TrainingInputError when it is not YAML, or listing each key that is unknown, missing or of the wrong type
 */
export async function readYaml<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, "utf8");
  let content: unknown;
  try {
    const document = parseDocument(text);
    // A warning is something that was not understood, such as a tag nobody defined.
    const [fault] = [...document.errors, ...document.warnings];
    if (fault) throw fault;
    content = document.toJS();
  } catch (error) {
    throw new TrainingInputError(`${path} is not YAML: ${(error as Error).message}`, { cause: error });
  }
  return check(schema, content, path);
}

/** Makes paths absolute that are relative to the folder of the file at `path`. */
export const resolverOf =
  (path: string): Resolve =>
  (relative) =>
    resolve(dirname(resolve(path)), relative);

/** A folder becomes absolute; the shipped model and names of the hub stay names. */
function modelPath(model: string, from: Resolve): string {
  const isName = model === "tiny" || (/^[\w.-]+\/[\w.-]+(@[\w./-]+)?$/.test(model) && !model.startsWith("."));
  return isName && !existsSync(from(model)) ? model : from(model);
}

type Files = NonNullable<SftKeys["data"]["file"]>;

const absoluteFiles = (files: Files, from: Resolve): Files => {
  const one = (named: string | { file: string; images?: string; weight?: number }) =>
    typeof named === "string"
      ? from(named)
      : { ...named, file: from(named.file), ...(named.images && { images: from(named.images) }) };
  return Array.isArray(files) ? files.map(one) : from(files);
};

/**
 * Reads a recipe; paths in it become absolute, relative to the file, but for those in the options of modules.
 * @throws TrainingInputError listing each key that is unknown, missing or of the wrong type
 * @example const recipe = await readRecipe("recipes/tiny/1-describe.yaml");
 */
export async function readRecipe(path: string): Promise<Recipe> {
  const read = await readYaml(path, recipeKeys);
  const from = resolverOf(path);
  const absolute = (p: string | undefined) => p && from(p);
  const done = { ...read, model: modelPath(read.model, from) };
  const { file, images, source } = done.data;
  done.data = {
    ...done.data,
    file: file && absoluteFiles(file, from),
    images: absolute(images),
    source: absolute(source),
  };
  if (done.validation) {
    const { file: held } = done.validation;
    done.validation = { ...done.validation, file: held && absoluteFiles(held, from) };
  }
  if (done.report) {
    const reports = [done.report].flat();
    done.report = reports.map((name) => (name === "tensorboard" ? name : from(name)));
  }
  if (done.stage === "sft") {
    done.auxiliary = done.auxiliary.map((a) => ({ ...a, module: from(a.module) }));
    const metric = done.validation?.metric;
    if (done.validation && typeof metric === "object")
      done.validation = { ...done.validation, metric: { module: from(metric.module) } };
  }
  if (done.stage === "grpo")
    done.rewards = done.rewards.map((r) => ("module" in r ? { ...r, module: from(r.module) } : r));
  return done;
}

/** @file The keys of recipes as a table, as a JSON Schema for editors, and by what an unknown one probably means. */

import { z } from "zod";
import { didYouMean } from "../../common/index.ts";
import { ALIASES } from "./aliases.ts";
import { dpoKeys, grpoKeys, recipeKeys, sftKeys } from "./schema.ts";

/** What of JSON Schema zod writes here. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node | readonly Node[];
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly required?: readonly string[];
}

/** One key of a recipe. */
export interface RecipeKey {
  /** "optimizer.learningRate" */
  readonly path: string;
  readonly type: string;
  /** Undefined where there is none. */
  readonly default?: unknown;
  readonly required: boolean;
  readonly meaning: string;
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return node.enum.join(" | ");
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(" | ");
  if (node.prefixItems) return `[${node.prefixItems.map(typeOf).join(", ")}]`;
  if (node.type === "array") return `[${node.items && !Array.isArray(node.items) ? typeOf(node.items as Node) : ""}]`;
  if (node.type === "object") return node.properties ? `{ ${Object.keys(node.properties).join(", ")} }` : "{ … }";
  return node.type === "integer" ? "whole number" : (node.type ?? "any");
}

function keysBelow(node: Node, path: string): RecipeKey[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]): RecipeKey[] => {
    const own = path === "" ? name : `${path}.${name}`;
    const group = child.properties !== undefined;
    const one: RecipeKey = {
      path: own,
      type: group ? "" : typeOf(child),
      default: group ? undefined : child.default,
      required: child.default === undefined && (node.required?.includes(name) ?? false),
      meaning: child.description ?? "",
    };
    return [one, ...keysBelow(child, own)];
  });
}

const schemaOf = (keys: z.ZodType): Node => z.toJSONSchema(keys, { io: "input" }) as Node;

const STAGES = { sft: sftKeys, grpo: grpoKeys, dpo: dpoKeys } as const;

/** Every key of a stage, in the order of the schema. @example keysOf("sft").find(({ path }) => path === "lora.rank") */
export const keysOf = (stage: keyof typeof STAGES): RecipeKey[] => keysBelow(schemaOf(STAGES[stage]), "");

/** A JSON Schema of recipes, for editors that complete and check YAML by one. */
export const recipeJsonSchema = (): object => ({
  title: "A training recipe of flashvl",
  ...z.toJSONSchema(recipeKeys, { io: "input" }),
});

/**
 * What to write instead of a key that does not exist.
 * @param path where the key stands, without it: [] at the top
 * @example adviceFor("sft", [], "num_train_epochs") // 'did you mean "epochs"?'
 */
export function adviceFor(stage: keyof typeof STAGES, path: readonly PropertyKey[], unknown: string): string {
  const spelt = unknown.toLowerCase().replaceAll("-", "_");
  const alias = ALIASES.get(spelt);
  const paths = keysOf(stage).map((known) => known.path);
  if (alias && "instead" in alias) return alias.instead;
  if (alias && paths.includes(alias.key)) return `did you mean "${alias.key}"?`;
  const parent = path.map(String).join(".");
  const siblings = paths.filter((known) => (parent === "" ? !known.includes(".") : known.startsWith(`${parent}.`)));
  const here = didYouMean(
    unknown,
    siblings.map((known) => known.slice(parent === "" ? 0 : parent.length + 1)),
  );
  if (here !== undefined) return `did you mean "${parent === "" ? here : `${parent}.${here}`}"?`;
  const elsewhere = paths.filter((known) => known.split(".").at(-1) === unknown);
  if (elsewhere.length > 0) return `did you mean "${elsewhere[0]}"?`;
  const near = didYouMean(
    unknown,
    paths.map((known) => known.split(".").at(-1)!),
  );
  const found = near && paths.find((known) => known.split(".").at(-1) === near);
  return found ? `did you mean "${found}"?` : "flashvl train keys lists all";
}

/** @file Checks that a JSON schema only says what the grammar enforces, so that no rule is dropped in silence. */
import { SchemaError } from "./schema-error.ts";

/** A JSON schema (draft 2020-12) as a plain object, or `true` for anything. */
export type JsonSchema = Record<string, unknown> | boolean;

/** Deeper schemas overflow the grammar compiler's stack; hand-written ones are rarely deeper than 10. */
const MAX_DEPTH = 48;

/** What says nothing about the value itself. */
const ANNOTATIONS = new Set(
  "$schema $id $comment $defs definitions title description default examples deprecated readOnly writeOnly".split(" "),
);

/** Rules that the grammar enforces and that hold no schemas of their own. */
const PLAIN_RULES = new Set(
  "type enum const pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems required minProperties maxProperties $ref format".split(
    " ",
  ),
);
const ONE_SCHEMA = new Set([
  "items",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "propertyNames",
]);
const SCHEMA_LISTS = new Set(["anyOf", "oneOf", "prefixItems", "allOf"]);
const SCHEMA_MAPS = new Set(["properties", "patternProperties"]);
const TYPES = new Set(["string", "number", "integer", "boolean", "null", "object", "array"]);

/** Formats that the grammar has rules for. */
const FORMATS = new Set(
  "email date time date-time duration ipv4 ipv6 hostname uuid uri uri-reference uri-template json-pointer relative-json-pointer".split(
    " ",
  ),
);

/**
 * The schema made explicit for the grammar: an object that names no properties may have any.
 * Throws {@link SchemaError} that names the keyword and its place.
 *
 * @example const explicit = checkSchema({ type: "object" }); // { type: "object", additionalProperties: true }
 */
export function checkSchema(schema: JsonSchema): JsonSchema {
  return walk(schema, "schema", schema, 0);
}

function walk(schema: unknown, place: string, root: JsonSchema, depth: number): JsonSchema {
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    throw new SchemaError(`${place} is ${JSON.stringify(schema)?.slice(0, 60)}; expected a JSON schema (an object).`);
  }
  if (depth > MAX_DEPTH)
    throw new SchemaError(`${place} is nested deeper than ${MAX_DEPTH} levels, the most that can be enforced.`);
  const inner = (value: unknown, at: string) => walk(value, `${place}.${at}`, root, depth + 1);
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$defs" || key === "definitions" || SCHEMA_MAPS.has(key)) {
      result[key] = mapValues(value, `${place}.${key}`, (child, name) => inner(child, `${key}.${name}`));
    } else if (SCHEMA_LISTS.has(key)) {
      if (!Array.isArray(value) || value.length === 0)
        throw new SchemaError(`${place}.${key} must be a list of at least one schema.`);
      result[key] = value.map((child, index) => inner(child, `${key}.${index}`));
    } else if (ONE_SCHEMA.has(key)) result[key] = inner(value, key);
    else if (PLAIN_RULES.has(key)) result[key] = value;
    else if (!ANNOTATIONS.has(key)) {
      throw new SchemaError(
        `${place}.${key} cannot be enforced while an answer is generated. Leave "${key}" out and check it afterwards.`,
      );
    }
  }
  checkRules(result, place, root);
  const constrained = [
    "properties",
    "patternProperties",
    "propertyNames",
    "additionalProperties",
    "unevaluatedProperties",
  ];
  if (includesType(result.type, "object") && !constrained.some((key) => key in result))
    result.additionalProperties = true;
  if (includesType(result.type, "array") && !("items" in result) && !("prefixItems" in result)) result.items = true;
  return result;
}

function checkRules(schema: Record<string, unknown>, place: string, root: JsonSchema): void {
  for (const type of [schema.type ?? []].flat()) {
    if (!TYPES.has(String(type)))
      throw new SchemaError(`${place}.type is ${JSON.stringify(type)}; expected one of ${[...TYPES].join(", ")}.`);
  }
  if (schema.format !== undefined && !FORMATS.has(String(schema.format))) {
    throw new SchemaError(
      `${place}.format ${JSON.stringify(schema.format)} cannot be enforced; those that can: ${[...FORMATS].join(", ")}.`,
    );
  }
  if (Array.isArray(schema.allOf) && schema.allOf.length > 1) {
    throw new SchemaError(`${place}.allOf joins several schemas, which cannot be enforced. Merge them into one.`);
  }
  if (schema.enum !== undefined && (!Array.isArray(schema.enum) || schema.enum.length === 0)) {
    throw new SchemaError(`${place}.enum must be a list of at least one value.`);
  }
  if (
    schema.required !== undefined &&
    !(Array.isArray(schema.required) && schema.required.every((name) => typeof name === "string"))
  ) {
    throw new SchemaError(`${place}.required must be a list of property names.`);
  }
  if (schema.$ref !== undefined) checkReference(schema.$ref, place, root);
}

function checkReference(reference: unknown, place: string, root: JsonSchema): void {
  if (typeof reference === "string" && (reference === "#" || reference.startsWith("#/"))) {
    let target: unknown = root;
    for (const step of reference.split("/").slice(1)) {
      const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      target = typeof target === "object" && target !== null ? (target as Record<string, unknown>)[name] : undefined;
    }
    if (target !== undefined) return;
  }
  throw new SchemaError(
    `${place}.$ref ${JSON.stringify(reference)} leads nowhere; expected a place in the same schema, such as "#/$defs/name".`,
  );
}

function mapValues(
  value: unknown,
  place: string,
  map: (child: unknown, name: string) => unknown,
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SchemaError(`${place} must be an object of schemas.`);
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(child, name)]));
}

function includesType(type: unknown, wanted: string): boolean {
  return Array.isArray(type) ? type.includes(wanted) : type === wanted;
}

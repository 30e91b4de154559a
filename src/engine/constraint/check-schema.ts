/** @file Rewrites a JSON schema into what the grammar enforces to the letter, and refuses the rest, so that no rule is dropped in silence. */
import { SchemaError } from "./schema-error.ts";
import { areDisjoint, ofType } from "./schema-values.ts";

/** A JSON schema (draft 2020-12) as a plain object, or `true` for anything. */
export type JsonSchema = Record<string, unknown> | boolean;

/** Deeper schemas overflow the grammar compiler's stack; hand-written ones are rarely deeper than 10. */
const MAX_DEPTH = 48;

/** What says nothing about the value itself. */
const ANNOTATIONS = words("$schema $id $comment title description default examples deprecated readOnly writeOnly");

/** Keywords that hold for values of one type only. */
const RULES: Record<string, ReadonlySet<string>> = {
  string: words("pattern minLength maxLength format"),
  // xgrammar 0.1.27 cuts ranges of fractions at the wrong places (0.5 is refused by minimum 0), so they are not offered.
  number: words(""),
  integer: words("minimum maximum exclusiveMinimum exclusiveMaximum"),
  boolean: words(""),
  null: words(""),
  array: words("items prefixItems minItems maxItems unevaluatedItems"),
  object: words(
    "properties required additionalProperties unevaluatedProperties patternProperties propertyNames minProperties maxProperties",
  ),
};

/** Keywords that stand for the whole schema: xgrammar ignores whatever stands beside them. */
const WHOLE = words("$ref anyOf oneOf allOf");
const VALUES = words("enum const");

/** Formats that the grammar has rules for. */
const FORMATS = words(
  "email date time date-time duration ipv4 ipv6 hostname uuid uri uri-reference uri-template json-pointer relative-json-pointer",
);

/**
 * The schema in the form that the grammar enforces completely: one type per schema, types never implied, an object that
 * names no properties open for any. What xgrammar would ignore or get wrong is refused.
 * Throws {@link SchemaError} that names the keyword and its place.
 *
 * @example const explicit = checkSchema({ type: "object" }); // { type: "object", additionalProperties: true }
 */
export function checkSchema(schema: JsonSchema): JsonSchema {
  return rewrite(schema, "schema", { root: schema, depth: 0 });
}

interface Walk {
  root: JsonSchema;
  depth: number;
}

function rewrite(schema: unknown, place: string, { root, depth }: Walk): JsonSchema {
  if (typeof schema === "boolean") return schema;
  if (!isObject(schema))
    throw new SchemaError(`${place} is ${JSON.stringify(schema)?.slice(0, 60)}; expected a JSON schema (an object).`);
  if (depth > MAX_DEPTH)
    throw new SchemaError(`${place} is nested deeper than ${MAX_DEPTH} levels, the most that can be enforced.`);
  const inner = (value: unknown, at: string) => rewrite(value, `${place}.${at}`, { root, depth: depth + 1 });
  const kept: Record<string, unknown> = {};
  const definitions: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "$defs" || key === "definitions")
      definitions[key] = mapValues(value, `${place}.${key}`, (child, name) => inner(child, `${key}.${name}`));
    else if (!ANNOTATIONS.has(key)) kept[key] = value;
  }
  const keys = Object.keys(kept);
  const whole = keys.find((key) => WHOLE.has(key));
  if (whole !== undefined) {
    const beside = keys.find((key) => key !== whole);
    if (beside !== undefined)
      throw new SchemaError(
        `${place}.${beside} stands beside ${whole}, where it cannot be enforced. Move it into the schemas that ${whole} names.`,
      );
    return { ...definitions, [whole]: rewriteWhole(whole, kept[whole], place, root, inner) };
  }
  if (keys.some((key) => VALUES.has(key))) return { ...definitions, enum: valuesOf(kept, place) };
  const types = typesOf(kept, place);
  if (types.length === 0) return Object.keys(definitions).length > 0 ? definitions : true;
  const single = types.map((type) => ({ type, ...rewriteRules(type, kept, place, inner) }));
  return { ...definitions, ...(single.length === 1 ? single[0] : { anyOf: single }) };
}

function rewriteWhole(
  key: string,
  value: unknown,
  place: string,
  root: JsonSchema,
  inner: (value: unknown, at: string) => JsonSchema,
): unknown {
  if (key === "$ref") return checkReference(value, place, root);
  if (!Array.isArray(value) || value.length === 0)
    throw new SchemaError(`${place}.${key} must be a list of at least one schema.`);
  if (key === "allOf" && value.length > 1)
    throw new SchemaError(`${place}.allOf joins several schemas, which cannot be enforced. Merge them into one.`);
  if (key === "oneOf" && !areDisjoint(value)) {
    throw new SchemaError(
      `${place}.oneOf has alternatives that a value could fit at once, which cannot be told apart. Use anyOf, or give each its own constant property.`,
    );
  }
  return value.map((child, index) => inner(child, `${key}.${index}`));
}

function valuesOf(schema: Record<string, unknown>, place: string): unknown[] {
  const extra = Object.keys(schema).find((key) => !VALUES.has(key) && key !== "type");
  if (extra !== undefined)
    throw new SchemaError(
      `${place}.${extra} stands beside fixed values, where it cannot be enforced. List only the values that fit.`,
    );
  if (schema.enum !== undefined && !Array.isArray(schema.enum))
    throw new SchemaError(`${place}.enum must be a list of values.`);
  const types = [schema.type ?? []].flat();
  const values = ((schema.enum as unknown[] | undefined) ?? [schema.const])
    .filter((value) => schema.const === undefined || JSON.stringify(value) === JSON.stringify(schema.const))
    .filter((value) => types.length === 0 || types.some((type) => ofType(value, String(type))));
  if (values.length === 0) throw new SchemaError(`${place} leaves no value that fits it.`);
  return values;
}

/** The types a schema names, or else the one that its keywords belong to. */
function typesOf(schema: Record<string, unknown>, place: string): string[] {
  const types = [schema.type ?? []].flat().map(String);
  for (const type of types) {
    if (!(type in RULES))
      throw new SchemaError(
        `${place}.type is ${JSON.stringify(type)}; expected one of ${Object.keys(RULES).join(", ")}.`,
      );
  }
  const implied = new Set<string>();
  for (const key of Object.keys(schema)) {
    if (key === "type") continue;
    const owner = Object.keys(RULES).find((type) => RULES[type]!.has(key));
    if (owner === undefined)
      throw new SchemaError(
        `${place}.${key} cannot be enforced while an answer is generated. Leave it out and check it afterwards.`,
      );
    if (types.length === 0) implied.add(owner);
    else if (!types.includes(owner)) {
      const advice =
        owner === "integer" && types.includes("number")
          ? ' Ranges hold for "integer" only; leave it out and check it afterwards.'
          : "";
      throw new SchemaError(`${place}.${key} does not apply to type ${types.join(", ")}.${advice}`);
    }
  }
  if (implied.size > 1) throw new SchemaError(`${place} has rules for ${[...implied].join(" and ")}; name its type.`);
  return types.length > 0 ? types : [...implied];
}

function rewriteRules(
  type: string,
  schema: Record<string, unknown>,
  place: string,
  inner: (value: unknown, at: string) => JsonSchema,
): Record<string, unknown> {
  const rules: Record<string, unknown> = {};
  for (const key of RULES[type]!) {
    const value = schema[key];
    if (value === undefined) continue;
    if (key === "prefixItems") {
      if (!Array.isArray(value)) throw new SchemaError(`${place}.prefixItems must be a list of schemas.`);
      rules[key] = value.map((child, index) => inner(child, `${key}.${index}`));
    } else if (key === "properties" || key === "patternProperties")
      rules[key] = mapValues(value, `${place}.${key}`, (child, name) => inner(child, `${key}.${name}`));
    else if (typeof value === "object" && !Array.isArray(value)) rules[key] = inner(value, key);
    else rules[key] = value;
  }
  if (type === "string") checkString(rules, place);
  if (type === "object") {
    checkObject(rules, place);
    if (
      !["properties", "patternProperties", "propertyNames", "additionalProperties", "unevaluatedProperties"].some(
        (key) => key in rules,
      )
    )
      rules.additionalProperties = true;
  }
  if (type === "array" && !("items" in rules) && !("prefixItems" in rules)) rules.items = true;
  return rules;
}

function checkString({ pattern, format, minLength, maxLength }: Record<string, unknown>, place: string): void {
  if (format !== undefined && !FORMATS.has(String(format))) {
    throw new SchemaError(
      `${place}.format ${JSON.stringify(format)} cannot be enforced; those that can: ${[...FORMATS].join(", ")}.`,
    );
  }
  const given = [pattern, format, minLength ?? maxLength].filter((rule) => rule !== undefined);
  if (given.length > 1)
    throw new SchemaError(
      `${place}: only one of pattern, format and minLength/maxLength can be enforced at a time. Say it all in the pattern.`,
    );
}

function checkObject({ properties, required, patternProperties }: Record<string, unknown>, place: string): void {
  if (patternProperties !== undefined && properties !== undefined) {
    throw new SchemaError(`${place}.patternProperties cannot be enforced beside properties.`);
  }
  if (required === undefined) return;
  if (!Array.isArray(required)) throw new SchemaError(`${place}.required must be a list of property names.`);
  const unknown = required.find((name) => !isObject(properties) || !(String(name) in properties));
  if (unknown !== undefined)
    throw new SchemaError(`${place}.required names ${JSON.stringify(unknown)}, which properties does not describe.`);
}

function checkReference(reference: unknown, place: string, root: JsonSchema): unknown {
  if (typeof reference === "string" && (reference === "#" || reference.startsWith("#/"))) {
    let target: unknown = root;
    for (const step of reference.split("/").slice(1)) {
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
    }
    if (target !== undefined) return reference;
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
  if (!isObject(value)) throw new SchemaError(`${place} must be an object of schemas.`);
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(child, name)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" ").filter(Boolean));
}

/** @file Rewrites a JSON schema into what the grammar enforces to the letter, and refuses the rest, so that no rule is dropped in silence. */
import { FORMATS, SAID_TWICE } from "./grammar/formats.ts";
import { SchemaError } from "./schema-error.ts";
import { areDisjoint, ofType } from "./schema-values.ts";

/** A JSON schema (draft 2020-12) as a plain object, or `true` for anything. */
export type JsonSchema = Record<string, unknown> | boolean;

/** Deeper schemas overflow the grammar compiler's stack; hand-written ones are rarely deeper than 10. */
const MAX_DEPTH = 48;

/** What says nothing about the value itself. */
const ANNOTATIONS = words("$schema $id $comment title description default examples deprecated readOnly writeOnly");

/** Keywords that hold for values of one type only. */
const RANGES = "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf";
const RULES = new Map(
  Object.entries({
    string: words("pattern minLength maxLength format"),
    number: words(RANGES),
    integer: words(RANGES),
    boolean: words(""),
    null: words(""),
    array: words("items prefixItems minItems maxItems unevaluatedItems"),
    object: words(
      "properties required additionalProperties unevaluatedProperties patternProperties propertyNames minProperties maxProperties",
    ),
  }),
);

/** Keywords that stand for the whole schema. */
const WHOLE = words("$ref anyOf oneOf allOf");
const VALUES = words("enum const");

/** Limits that count something. */
const COUNTS = words("minLength maxLength minItems maxItems minProperties maxProperties");
const BOUNDS = words("minimum maximum exclusiveMinimum exclusiveMaximum");
/** Members that hold a schema. */
const SCHEMAS = words("items unevaluatedItems additionalProperties unevaluatedProperties propertyNames");

/**
 * The schema in the form that the grammar enforces completely: one type per schema, types never implied, an object that
 * names no properties open for any. What the grammar does not know is refused.
 * Throws {@link SchemaError} that names the keyword and its place.
 *
 * @example const explicit = checkSchema({ type: "object" }); // { type: "object", additionalProperties: true }
 */
export function checkSchema(schema: JsonSchema, root = schema, place = "schema"): JsonSchema {
  return rewrite(schema, place, { root, depth: 0 });
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
  // Without a prototype, so that every key is only a key.
  const kept: Record<string, unknown> = Object.create(null);
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
    .filter((value) => types.length === 0 || types.some((type) => typeof type === "string" && ofType(value, type)));
  if (values.length === 0) throw new SchemaError(`${place} leaves no value that fits it.`);
  return values;
}

/** The types a schema names, or else the one that its keywords belong to. */
function typesOf(schema: Record<string, unknown>, place: string): string[] {
  const types = [schema.type ?? []].flat() as string[];
  for (const type of types) {
    if (!RULES.has(type))
      throw new SchemaError(
        `${place}.type is ${JSON.stringify(type)}; expected one of ${[...RULES.keys()].join(", ")}.`,
      );
  }
  const implied = new Set<string>();
  for (const key of Object.keys(schema)) {
    if (key === "type") continue;
    const owners = [...RULES.keys()].filter((type) => RULES.get(type)!.has(key));
    if (owners.length === 0)
      throw new SchemaError(
        `${place}.${key} cannot be enforced while an answer is generated. Leave it out and check it afterwards.`,
      );
    if (types.length === 0) implied.add(owners[0]!);
    else if (!owners.some((owner) => types.includes(owner)))
      throw new SchemaError(`${place}.${key} does not apply to type ${types.join(", ")}.`);
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
  for (const key of RULES.get(type)!) {
    const value = schema[key];
    if (value === undefined) continue;
    checkLimit(key, value, place);
    if (key === "prefixItems") {
      if (!Array.isArray(value)) throw new SchemaError(`${place}.prefixItems must be a list of schemas.`);
      rules[key] = value.map((child, index) => inner(child, `${key}.${index}`));
    } else if (key === "properties" || key === "patternProperties")
      rules[key] = mapValues(value, `${place}.${key}`, (child, name) => inner(child, `${key}.${name}`));
    else rules[key] = SCHEMAS.has(key) ? inner(value, key) : value;
  }
  if (type === "string") checkString(rules, place);
  if (type === "object") {
    checkObject(rules, place);
    if (
      !["properties", "patternProperties", "propertyNames", "additionalProperties", "unevaluatedProperties"].some(
        (key) => Object.hasOwn(rules, key),
      )
    )
      rules.additionalProperties = true;
  }
  if (type === "array") rules.items ??= rules.unevaluatedItems ?? (rules.prefixItems === undefined ? true : undefined);
  return rules;
}

function checkLimit(key: string, value: unknown, place: string): void {
  if (COUNTS.has(key) && !(Number.isSafeInteger(value) && (value as number) >= 0))
    throw new SchemaError(`${place}.${key} is ${JSON.stringify(value)}; expected a whole number from 0 up.`);
  if (BOUNDS.has(key) && !Number.isFinite(value))
    throw new SchemaError(`${place}.${key} is ${JSON.stringify(value)}; expected a number.`);
  if (key === "multipleOf" && !(typeof value === "number" && /^(1|0\.0{0,5}1|1e-[78])$/.test(String(value))))
    throw new SchemaError(
      `${place}.multipleOf is ${JSON.stringify(value)}; only 1, 0.1, 0.01 and so on can be enforced.`,
    );
}

function checkString(rules: Record<string, unknown>, place: string): void {
  const { pattern, format, minLength, maxLength } = rules;
  if (format !== undefined && !FORMATS.has(String(format))) {
    throw new SchemaError(
      `${place}.format ${JSON.stringify(format)} cannot be enforced; those that can: ${[...FORMATS.keys()].join(", ")}.`,
    );
  }
  if (pattern !== undefined && typeof pattern !== "string")
    throw new SchemaError(`${place}.pattern must be a string with a regular expression.`);
  if (format !== undefined && pattern !== undefined && SAID_TWICE.has(pattern)) delete rules.pattern;
  const given = [rules.pattern, format, minLength ?? maxLength].filter((rule) => rule !== undefined);
  if (given.length > 1)
    throw new SchemaError(
      `${place}: only one of pattern, format and minLength/maxLength can be enforced at a time. Say it all in the pattern.`,
    );
}

function checkObject(rules: Record<string, unknown>, place: string): void {
  const { properties, required, patternProperties } = rules;
  for (const key of ["patternProperties", "propertyNames", "minProperties", "maxProperties"]) {
    if (rules[key] !== undefined && isObject(properties) && Object.keys(properties).length > 0)
      throw new SchemaError(`${place}.${key} cannot be enforced beside properties.`);
  }
  const others = rules.propertyNames ?? rules.additionalProperties ?? rules.unevaluatedProperties;
  if (patternProperties !== undefined && others !== undefined && others !== false)
    throw new SchemaError(`${place}.patternProperties cannot be enforced beside rules for other properties.`);
  if (required === undefined) return;
  if (!Array.isArray(required)) throw new SchemaError(`${place}.required must be a list of property names.`);
  const unknown = required.find((name) => !isObject(properties) || !Object.hasOwn(properties, String(name)));
  if (unknown !== undefined)
    throw new SchemaError(`${place}.required names ${JSON.stringify(unknown)}, which properties does not describe.`);
}

function checkReference(reference: unknown, place: string, root: JsonSchema): unknown {
  if (typeof reference === "string" && resolveReference(reference, root) !== undefined) return reference;
  throw new SchemaError(
    `${place}.$ref ${JSON.stringify(reference)} leads nowhere; expected a place in the same schema, such as "#/$defs/name".`,
  );
}

/** What a reference such as "#/$defs/name" leads to in the schema. */
export function resolveReference(reference: string, root: JsonSchema): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let target: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    const holder = target as Record<string, unknown>;
    target = typeof target === "object" && target !== null && Object.hasOwn(holder, name) ? holder[name] : undefined;
  }
  return target;
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

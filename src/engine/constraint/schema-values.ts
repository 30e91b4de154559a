/** @file Questions about the values that JSON schemas allow. */

/**
 * Whether a value is of a JSON schema type.
 *
 * @example ofType(3, "integer"); // true
 */
export function ofType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/**
 * Whether no value can fit two of the schemas, as far as their types and constant properties show it.
 *
 * @example areDisjoint([{ type: "string" }, { type: "null" }]); // true
 */
export function areDisjoint(schemas: readonly unknown[]): boolean {
  return schemas.every((one, index) => schemas.slice(index + 1).every((other) => disjoint(one, other)));
}

function disjoint(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other] as Shape[];
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [values, others] = [fixed(a), fixed(b)];
  if (values && others) return !values.some((value) => others.includes(value));
  if (a.type !== undefined && b.type !== undefined && !shareType(a.type, b.type)) return true;
  // A property that both demand, with different constants: the tag of a discriminated union.
  return Object.keys(a.properties ?? {}).some((name) => {
    if (!a.required?.includes(name) || !b.required?.includes(name)) return false;
    const [tags, otherTags] = [fixed(a.properties?.[name]), fixed(b.properties?.[name])];
    return tags !== undefined && otherTags !== undefined && !tags.some((tag) => otherTags.includes(tag));
  });
}

/** What is read of a schema here. */
interface Shape {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Shape>;
  required?: string[];
}

function fixed(schema: Shape | undefined): string[] | undefined {
  if (schema?.const !== undefined) return [JSON.stringify(schema.const)];
  return schema?.enum?.map((value) => JSON.stringify(value));
}

function shareType(a: string | string[], b: string | string[]): boolean {
  const plain = (type: string) => (type === "integer" ? "number" : type);
  const others = [b].flat().map(plain);
  return [a].flat().some((type) => others.includes(plain(type)));
}

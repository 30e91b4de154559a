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
    const [tags, otherTags] = [tagOf(a, name), tagOf(b, name)];
    return tags !== undefined && otherTags !== undefined && !tags.some((tag) => otherTags.includes(tag));
  });
}

/** What is read of a schema here; anything may stand in a client's. */
interface Shape {
  type?: unknown;
  const?: unknown;
  enum?: unknown;
  properties?: Record<string, Shape>;
  required?: unknown;
}

/** The values of a property that the schema demands, where they are fixed. */
function tagOf({ properties, required }: Shape, name: string): string[] | undefined {
  const demanded = Array.isArray(required) && required.includes(name);
  return demanded && properties && Object.hasOwn(properties, name) ? fixed(properties[name]) : undefined;
}

function fixed(schema: Shape | undefined): string[] | undefined {
  if (schema?.const !== undefined) return [JSON.stringify(schema.const)];
  return Array.isArray(schema?.enum) ? schema.enum.map((value) => JSON.stringify(value)) : undefined;
}

function shareType(a: unknown, b: unknown): boolean {
  const plain = (type: unknown) => (type === "integer" ? "number" : type);
  const others = [b].flat().map(plain);
  return [a].flat().some((type) => others.includes(plain(type)));
}

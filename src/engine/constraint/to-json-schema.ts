/** @file Schemas as people give them (JSON schema, a type of zod, `true`), as JSON schema. */
import type { z } from "zod";
import type { JsonSchema } from "./check-schema.ts";
import { SchemaError } from "./schema-error.ts";

/** A schema as JSON schema, as a zod type, or `true` for any JSON object. */
export type SchemaInput = JsonSchema | z.ZodType;

/** Deeper values overflow the stack of what reads them. */
const MAX_DEPTH = 256;

/** @throws SchemaError when a zod type has no JSON schema, or the schema is nested too deeply to be read */
export function toJsonSchema(schema: SchemaInput): JsonSchema {
  if (schema === true) return { type: "object" };
  if (typeof schema === "object" && schema !== null && "_zod" in schema) return zodToJson(schema as z.ZodType);
  const open: [unknown, number][] = [[schema, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH)
      throw new SchemaError(`The schema is nested deeper than ${MAX_DEPTH} levels, the most that can be read.`);
    for (const member of Object.values(value)) open.push([member, depth + 1]);
  }
  return schema;
}

/** The JSON schema of a type of zod, which is known by its mark: the library itself is not loaded for it. */
function zodToJson(type: { toJSONSchema?: z.ZodType["toJSONSchema"] }): JsonSchema {
  if (!type.toJSONSchema)
    throw new SchemaError(
      "The schema is a type of zod/mini or of zod before 4.2, which gives no JSON schema. Use zod's own, or a JSON schema.",
    );
  try {
    return type.toJSONSchema({ io: "input" }) as JsonSchema;
  } catch (cause) {
    throw new SchemaError(`The zod schema has no JSON schema: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
    });
  }
}

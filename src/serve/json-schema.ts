/** @file Bounds a client's JSON schema before anything is compiled from it. */
import { ApiError } from "./errors.ts";
import { MAX_SCHEMA_BYTES } from "./limits.ts";

/**
 * The schema itself when its size is within bounds. Throws {@link ApiError} 400 otherwise.
 *
 * @example const schema = jsonSchemaOf(body.schema, "response_format.json_schema.schema");
 */
export function jsonSchemaOf(schema: Record<string, unknown>, param: string): Record<string, unknown> {
  let bytes: number;
  try {
    bytes = Buffer.byteLength(JSON.stringify(schema));
  } catch (cause) {
    throw new ApiError(400, `${param} is nested too deeply to be read.`, { param, code: "invalid_schema", cause });
  }
  if (bytes <= MAX_SCHEMA_BYTES) return schema;
  throw new ApiError(400, `The JSON schema has ${bytes} bytes; the limit is ${MAX_SCHEMA_BYTES}.`, {
    param,
    code: "invalid_schema",
  });
}

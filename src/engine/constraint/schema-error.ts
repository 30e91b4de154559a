/** @file The error for JSON schemas that cannot be enforced. */

/** A schema that is faulty, uses what cannot be enforced, or is too complex; the message says which and where. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  /** Read by servers, which answer 400 with it. */
  readonly code = "invalid_schema";
}

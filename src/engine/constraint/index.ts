/** @file Door of structured output: answers held to a JSON schema. */
export { applyMask } from "./apply-mask.ts";
export { checkSchema, type JsonSchema } from "./check-schema.ts";
export { type JsonConstraint, JsonConstraints, type SchemaInput, type Vocabulary } from "./json-constraints.ts";
export { SchemaError } from "./schema-error.ts";

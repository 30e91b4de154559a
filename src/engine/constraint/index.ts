/** @file Door of structured output: answers held to a JSON schema or another structure. */
export { applyMask } from "./apply-mask.ts";
export { checkSchema, type JsonSchema } from "./check-schema.ts";
export { buffersOf, type PackedGrammar, packGrammar } from "./grammar/packed-grammar.ts";
export { type CompileApart, type JsonConstraint, JsonConstraints, type Vocabulary } from "./json-constraints.ts";
export { SchemaError } from "./schema-error.ts";
export { compileStructure, type Structure } from "./structure.ts";
export { type SchemaInput, toJsonSchema } from "./to-json-schema.ts";

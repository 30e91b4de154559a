/** @file Runs a file of vectors `{ meta, cases: [{ id, function, input, output | error }] }` against our functions in compatibility mode. */
import { isDeepStrictEqual } from "node:util";
import { PythonError } from "../../../src/vlmeval/python/errors.ts";
import { choiceFunctions } from "./choice.ts";
import { generalFunctions } from "./general.ts";
import type { Input } from "./input.ts";
import { mathematicsFunctions } from "./mathematics.ts";

export interface VectorCase {
  id: string;
  function: string;
  input: Input;
  output?: unknown;
  /** Python's class, if the original raises. */
  error?: string;
}

export interface VectorResult {
  id: string;
  name: string;
  passed: boolean;
  expected: unknown;
  got: unknown;
}

const functions = { ...choiceFunctions, ...mathematicsFunctions, ...generalFunctions };

/** Rows or columns of a table come from Python sets in no stable order; NaN is written as null. */
function normal(value: unknown): unknown {
  if (value === undefined || (typeof value === "number" && Number.isNaN(value))) return null;
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  const sorted = Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, normal(record[key])]),
  );
  if (Array.isArray(record.columns) && Array.isArray(record.rows)) {
    sorted.columns = [...record.columns].sort();
    sorted.rows = [...record.rows].map(normal);
  }
  return sorted;
}

/** Run one case. */
export async function runVector(vector: VectorCase): Promise<VectorResult> {
  const { id, function: name } = vector;
  const run = functions[name];
  const expected = vector.error === undefined ? normal(vector.output) : `raises ${vector.error}`;
  if (!run) return { id, name, passed: false, expected, got: `no function named ${name}` };
  let got: unknown;
  try {
    got = normal(await run(vector.input));
  } catch (error) {
    got = `raises ${error instanceof PythonError ? error.pythonType : String(error)}`;
  }
  return { id, name, passed: isDeepStrictEqual(got, expected), expected, got };
}

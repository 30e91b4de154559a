/** @file Reading the inputs of vector files: JSON values as the texts that Python's `str` gives. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Input = { [key: string]: Json };

/** `str(value)`; null stands for a missing cell. */
export function text(value: Json | undefined): string {
  if (value === null || value === undefined) return "nan";
  if (typeof value === "boolean") return value ? "True" : "False";
  return String(value);
}

/** A row's cells: missing stays null. */
export function cells(row: Json | undefined): Record<string, string | null> {
  const out: Record<string, string | null> = {};
  for (const [key, value] of Object.entries((row ?? {}) as Input)) out[key] = value === null ? null : text(value);
  return out;
}

export const rowsOf = (input: Input): Input[] => (input.rows ?? []) as Input[];

/** A text that the file abbreviates as `<40000 chars, starts xyz>`, at its full length again. */
export function expand(value: string): string {
  const match = /^<(\d+) chars(?:, starts (.*))?>$/s.exec(value);
  return match ? (match[2] ?? "").padEnd(Number(match[1]), "x") : value;
}

/** The abbreviation of a long text. */
export function abbreviate(value: string): string {
  return value.length > 150 ? `<${value.length} chars>` : value;
}

/** @file The lines of a Markdown table. */

/** Cells must be free of line breaks and bars. @example markdownTable(["", "value"], [["a", "1"]]).join("\n") */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)];
}

/** @file Sampled answers of rows in a file beside the output, row by row, so that a sampling that was stopped goes on. */

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeWhole } from "../../common/node.ts";

const answer = z.strictObject({
  text: z.string(),
  reward: z.number().nullable(),
  /** Ended by the token limit instead of by itself. */
  truncated: z.boolean(),
});
export type SampledAnswer = z.infer<typeof answer>;
const entry = z.strictObject({ row: z.number().int(), answers: z.array(answer), fault: z.string().optional() });
/** The answers to a row, or why there are none. */
export type SampledRow = z.infer<typeof entry>;

export class AnswersFile {
  readonly #path: string;
  readonly known: ReadonlyMap<number, SampledRow>;
  readonly #known: Map<number, SampledRow>;

  private constructor(path: string, known: Map<number, SampledRow>) {
    this.#path = path;
    this.known = this.#known = known;
  }

  /** Opens or creates the file; answers of another identity (model, rows, settings) are written anew. */
  static async open(path: string, identity: string): Promise<AnswersFile> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const head = JSON.stringify({ version: 1, identity });
    const [first, ...lines] = text.split("\n");
    const known = new Map<number, SampledRow>();
    const kept: string[] = [];
    if (first === head)
      for (const line of lines) {
        const row = read(line);
        if (!row) break; // the empty end, or what a kill cut short
        known.set(row.row, row);
        kept.push(line);
      }
    await writeWhole(path, [head, ...kept].map((line) => `${line}\n`).join(""));
    return new AnswersFile(path, known);
  }

  add(rows: readonly SampledRow[]): void {
    for (const row of rows) this.#known.set(row.row, row);
    appendFileSync(this.#path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  }
}

function read(line: string): SampledRow | undefined {
  try {
    return entry.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

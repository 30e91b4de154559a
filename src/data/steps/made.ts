/** @file What a step makes: rows to write or a page, what it tells of them, and a report of what went. */

import type { Relation } from "../relation.ts";

export interface Selection extends Pick<Relation, "format" | "sql"> {
  /** How rows are sorted, where the query is not in order already. */
  readonly order?: string;
}

export interface Made {
  readonly selection: Selection;
  /** A query whose rows say what went and why; they are written beside the output. */
  readonly report?: string;
  /** Counts for the manifest. */
  readonly details?: Readonly<Record<string, number>>;
}

export interface MadePage {
  /** HTML, whole in itself. */
  readonly page: string;
  readonly details: Readonly<Record<string, number>>;
}

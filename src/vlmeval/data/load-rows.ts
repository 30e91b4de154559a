/** @file From a data file to benchmark rows: rows without a picture dropped, indices settled, shared and multiple pictures resolved (VLMEvalKit `ImageBaseDataset.load`). */
import type { ImageInput } from "../../processor/index.ts";
import { listItems } from "../python/to-list.ts";
import { groupBy } from "../score/table.ts";
import type { ColumnType } from "./column-type.ts";
import { IMAGE_COLUMN, type RowSource } from "./row-source.ts";

/** An image cell of at most this many characters names another row. */
const REFERENCE_LENGTH = 64;

/** A row of a benchmark. */
export interface VlmRow {
  /** Unique in its set. */
  index: string;
  /** All columns but `image`, as Python prints them; null where missing. */
  cells: Readonly<Record<string, string | null>>;
  /** Decoded from base64 when asked for, not before. */
  images: ImageInput[];
}

/** Rows with random access; `cells` cost nothing, pictures a read of the file. */
export interface VlmRows {
  readonly columns: readonly string[];
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly length: number;
  /** Are all indices whole numbers? Circular sets need that. */
  readonly wholeIndices: boolean;
  readonly warnings: readonly string[];
  index(row: number): string;
  cells(row: number): Readonly<Record<string, string | null>>;
  load(row: number): Promise<VlmRow>;
  close(): void;
}

/** A base64 text as picture bytes. @throws if it is not base64 of anything */
function decodePicture(text: string, index: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0) throw new Error(`Row ${index}: its image cell is not base64.`);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * @param folder where relative `image_path` cells lie, for files without an `image` column
 * @throws if there is no `index` column, an index repeats, or a short image cell names a row that has no picture
 */
export function loadRows(source: RowSource, folder: string): VlmRows {
  if (!source.columns.includes("index")) {
    throw new Error(`The data file has the columns ${source.columns.join(", ")}; expected one named index.`);
  }
  const hasImages = source.columns.includes(IMAGE_COLUMN);
  const kept: number[] = [];
  for (let row = 0; row < source.length; row++) if (!hasImages || source.imageLength(row) > 0) kept.push(row);
  const texts = kept.map((row) => source.cells(row).index ?? "nan");
  const wholeIndices = texts.every((text) => /^[+-]?(?:0|[1-9]\d*)$/.test(text));
  const indices = wholeIndices ? texts.map((text) => String(BigInt(text.replace("+", "")))) : texts;
  const place = new Map<string, number>();
  for (const [at, index] of indices.entries()) {
    if (place.has(index))
      throw new Error(`Index ${JSON.stringify(index)} stands twice in the data file; expected unique indices.`);
    place.set(index, at);
  }
  const payloadRow = async (at: number): Promise<number> => {
    const row = kept[at]!;
    if (source.imageLength(row) > REFERENCE_LENGTH) return row;
    const cell = await source.imageCell(row);
    const target = typeof cell === "string" ? place.get(cell) : undefined;
    if (target === undefined || source.imageLength(kept[target]!) <= REFERENCE_LENGTH) {
      throw new Error(`Row ${indices[at]}: its image cell ${JSON.stringify(cell)} names no row with a picture.`);
    }
    return kept[target]!;
  };
  const pictures = async (at: number): Promise<() => ImageInput[]> => {
    const index = indices[at]!;
    if (!hasImages) {
      const paths = listOrOne(source.cells(kept[at]!).image_path ?? null);
      return () => paths.map((path) => (path.startsWith("/") ? path : `${folder}/${path}`));
    }
    const cell = await source.imageCell(await payloadRow(at));
    if (typeof cell !== "string") return () => cell;
    return () => listOrOne(cell).map((text) => decodePicture(text, index));
  };
  return {
    columns: source.columns.filter((column) => column !== IMAGE_COLUMN),
    types: wholeIndices ? { ...source.types, index: "int64" } : { ...source.types, index: "object" },
    length: kept.length,
    wholeIndices,
    warnings: [...missingWarnings(source), ...unansweredWarnings(source, kept, indices)],
    index: (at) => indices[at]!,
    cells: (at) => source.cells(kept[at]!),
    load: async (at) => lazyRow(indices[at]!, source.cells(kept[at]!), await pictures(at)),
    close: () => source.close(),
  };
}

function lazyRow(index: string, cells: VlmRow["cells"], decode: () => ImageInput[]): VlmRow {
  let images: ImageInput[] | undefined;
  return {
    index,
    cells,
    get images() {
      images ??= decode();
      return images;
    },
  };
}

function listOrOne(cell: string | null): string[] {
  if (cell === null) return [];
  return cell.startsWith("[") && cell.endsWith("]") ? listItems(cell) : [cell];
}

/** One line per column and word. */
function missingWarnings(source: RowSource): string[] {
  const cells = groupBy(source.wordsTakenForMissing, ({ column, text }) => `${column}\0${text}`);
  return [...cells.values()].map((group) => {
    const { row, column, text } = group[0]!;
    const first = source.cells(row).index ?? String(row + 1);
    const where = group.length === 1 ? `row ${first}` : `${group.length} rows, the first ${first}`;
    return `The text ${JSON.stringify(text)} in column ${column} reads as a missing value, as pandas takes it (${where}).`;
  });
}

/** Rows whose answer cell is empty, where others have one; a word that reads as missing has its own warning. */
function unansweredWarnings(source: RowSource, kept: readonly number[], indices: readonly string[]): string[] {
  if (!source.columns.includes("answer")) return [];
  const words = new Set(source.wordsTakenForMissing.filter(({ column }) => column === "answer").map(({ row }) => row));
  const empty = kept.flatMap((row, at) => (source.cells(row).answer === null && !words.has(row) ? [indices[at]!] : []));
  if (empty.length === 0 || empty.length === kept.length) return [];
  const which = empty.length === 1 ? `Row ${empty[0]} has` : `${empty.length} rows, the first ${empty[0]}, have`;
  return [`${which} no answer in the data file; what a model says there is scored against nothing.`];
}

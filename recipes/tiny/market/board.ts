/** @file What a market picture shows, as data: the truth that questions and scores are made from. */

import type { ColourId, ShapeId } from "./things.ts";

export type Unit = "斤" | "公斤" | "kg" | "lb";
/** In which language names stand on the tags. */
export type NameStyle = "none" | "zh" | "en" | "both";

/** One place on the board. Rows and columns count from 1. */
export interface Cell {
  row: number;
  column: number;
  /** Kind id; null when the place is empty. */
  kind: string | null;
  /** Price in hundredths; 0 when the place is empty. */
  cents: number;
  /** The digits as answers write them, with a decimal point, for example "16.80": mostly as they stand on the tag. */
  price: string;
  /** The digits as they stand on the tag where that is another way, for example "16,80" or "1,299". */
  written?: string;
}

/** A board of goods with prices. Rows may differ in length (loose shelves). Cells are in reading order. */
export interface PriceBoard {
  scene: "board";
  layout: "grid" | "shelf";
  rows: number;
  /** The longest row. */
  columns: number;
  cells: Cell[];
  /** What stands before the digits: "¥", "$", another sign, or nothing where the board shows none. */
  currency: string;
  unit: Unit;
  /** Where the unit is written, if anywhere. */
  unitShown: "tag" | "title" | "no";
  /** The text across the top, or null. */
  title: string | null;
  names: NameStyle;
}

/** A picture of plain shapes and perhaps a number. */
export interface PlainPicture {
  scene: "plain";
  background: ColourId;
  shapes: { shape: ShapeId; colour: ColourId }[];
  /** Digits drawn large, or null. */
  number: { digits: string; colour: ColourId } | null;
}

/** A picture of something else; `thing` is null for textures and landscapes. */
export interface OtherPicture {
  scene: "other";
  thing: string | null;
  count: number;
}

export type Board = PriceBoard | PlainPicture | OtherPicture;

/** A cell that is not empty. */
export type FilledCell = Cell & { kind: string };

/** The cells that hold something, in reading order. */
export function filledCells(board: PriceBoard): FilledCell[] {
  return board.cells.filter((cell): cell is FilledCell => cell.kind !== null);
}

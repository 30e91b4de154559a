/** @file What becomes of a picture: which squares are cut from it, and how many tokens it takes in the prompt. */

/** What a window's frame shows: its surroundings (beyond the picture its outermost pixels repeat), the window's own outermost pixels, or the mean colour. */
export type FrameFilling = "neighbour" | "edge" | "grey";

/**
 * The whole picture, resized to `width` × `height` and cut into `columns` × `rows` windows of equal size, row by row. With a
 * frame every window is larger by so many pixels on each side.
 */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly frame: number;
  /** Default "neighbour". */
  readonly filling?: FrameFilling;
}

/** In which order the tokens of one window follow each other. */
export type TokenOrder = "row-major" | "column-major";

/** Known from a picture's size alone, before its pixels are decoded. */
export interface PicturePlan {
  /** All windows of all canvases have one size. */
  readonly canvases: readonly Canvas[];
  /** Windows in all: what the tower gets, in the order of the canvases. */
  readonly windows: number;
  /** Tokens of one window. */
  readonly grid: { readonly columns: number; readonly rows: number; readonly order: TokenOrder };
  /** Tokens of the picture in the prompt, window by window. */
  readonly tokens: number;
}

/** What a caller may limit. */
export interface PictureLimits {
  /** Most tiles that a picture is cut into, its thumbnail not counted. Default: what the model was trained with. */
  readonly maxTiles?: number;
  /** Whether a picture that is cut into tiles is also shown whole, in small. Default: as the model was trained. */
  readonly thumbnail?: boolean;
}

/** A plan of these canvases. @example picturePlan([square(512)], { columns: 16, rows: 16, order: "row-major" }).tokens // 256 */
export function picturePlan(canvases: readonly Canvas[], grid: PicturePlan["grid"]): PicturePlan {
  const windows = canvases.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  return { canvases, windows, grid, tokens: windows * grid.columns * grid.rows };
}

/** A canvas that is one window. */
export const square = (side: number): Canvas => ({ width: side, height: side, columns: 1, rows: 1, frame: 0 });

/** Width and height of a canvas's windows. */
export const windowSize = ({ width, height, columns, rows, frame }: Canvas): { width: number; height: number } => ({
  width: width / columns + 2 * frame,
  height: height / rows + 2 * frame,
});

/** Names a plan: equal names, equal pixels for the tower. @example planKey(plan) // "896x448/2x1+0 448x448/1x1+0" */
export const planKey = ({ canvases }: PicturePlan): string =>
  canvases
    .map(
      ({ width, height, columns, rows, frame, filling = "neighbour" }) =>
        `${width}x${height}/${columns}x${rows}+${frame}${filling === "neighbour" ? "" : filling}`,
    )
    .join(" ");

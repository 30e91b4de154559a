/** @file Where something lies in a picture, for looking at and for tests. */

/** The corners, in view pixels, of what was drawn with this label (an index into `patchClasses`). */
export interface Outline {
  label: number;
  points: [x: number, y: number][];
}

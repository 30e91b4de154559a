/** @file Cuts the empty margin off an icon, so that icons of all sets are drawn equally large. */

import type { Image } from "@napi-rs/canvas";
import type { Canvas, CanvasLibrary } from "./canvas.ts";

/** Less opaque pixels are shadows or nothing. */
const LEAST_ALPHA = 24;

/** A square canvas of `pixels` that the visible part of the image fills in its longer direction, centred. */
export function trim(library: CanvasLibrary, image: Image, pixels: number): Canvas {
  const { width, height } = image;
  const whole = library.createCanvas(width, height);
  whole.getContext("2d").drawImage(image, 0, 0);
  const { data } = whole.getContext("2d").getImageData(0, 0, width, height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0, i = 3; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      if (data[i]! < LEAST_ALPHA) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  const canvas = library.createCanvas(pixels, pixels);
  if (right < left) return canvas;
  const [w, h] = [right - left + 1, bottom - top + 1];
  const scale = pixels / Math.max(w, h);
  const [x, y] = [(pixels - w * scale) / 2, (pixels - h * scale) / 2];
  canvas.getContext("2d").drawImage(whole, left, top, w, h, x, y, w * scale, h * scale);
  return canvas;
}

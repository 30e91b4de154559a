/** @file The drawing library, loaded only when a picture is drawn: scoring and prompting work without it. */

import type { Canvas, SKRSContext2D } from "@napi-rs/canvas";

export type { Canvas };
export type Context = SKRSContext2D;
export type CanvasLibrary = typeof import("@napi-rs/canvas");

let loading: Promise<CanvasLibrary> | undefined;

/**
 * The canvas library.
 * @throws Error saying what to install when it is not there
 */
export function loadCanvas(): Promise<CanvasLibrary> {
  loading ??= import("@napi-rs/canvas").catch((cause) => {
    loading = undefined;
    throw new Error(
      `Drawing market pictures needs the package @napi-rs/canvas, which is not installed. ${installHint}`,
      { cause },
    );
  });
  return loading;
}

/** What to run when a package that only drawing needs is missing. */
export const installHint = "Run npm install in the repository of flashvl: recipes/tiny lists what drawing needs.";

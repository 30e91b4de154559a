/** @file The thread that draws pictures for `drawBoards`. */

import { parentPort } from "node:worker_threads";
import { type DrawRequest, drawPicture } from "./draw-boards.ts";

parentPort?.on("message", async ({ id, seed, options }: { id: number; seed: number; options: DrawRequest }) => {
  try {
    const drawn = await drawPicture(seed, options);
    parentPort?.postMessage({ id, drawn }, [drawn.image.data.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});

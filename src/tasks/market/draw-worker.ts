/** @file The thread that draws pictures for `drawBoards`. */

import { parentPort } from "node:worker_threads";
import { type DrawBoardOptions, drawBoard } from "./draw-board.ts";

parentPort?.on("message", async ({ id, seed, options }: { id: number; seed: number; options: DrawBoardOptions }) => {
  try {
    const { image, board, patchLabels } = await drawBoard(seed, options);
    parentPort?.postMessage({ id, drawn: { seed, image, board, patchLabels } }, [image.data.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});

/** @file Draws many market pictures in worker threads, in order, no faster than they are taken. */

import { Worker } from "node:worker_threads";
import { type DrawBoardOptions, type DrawnBoard, drawBoard } from "./draw-board.ts";
import { type DrawnLargeBoard, drawLargeBoard } from "./draw-large-board.ts";
import { drawSheet } from "./draw-sheet.ts";
import type { World } from "./splits.ts";

/** A picture that came from a worker: without the outlines, which are only for looking at. */
export type SeededBoard = Omit<DrawnBoard, "outlines"> & { seed: number };

/** A large board from a worker; it has no labels of patches, but knows where its cells are. */
export type SeededLargeBoard = SeededBoard & DrawnLargeBoard;

export interface DrawBoardsOptions extends DrawBoardOptions {
  /** Seeds to draw, in the order of the result. */
  seeds: Iterable<number>;
  /** Worker threads; 0 draws in this thread. Default 1. */
  workers?: number;
  /** What a seed's picture is, where not all are of one kind. */
  choose?: (seed: number) => PictureChoice;
}

/** A board of one of the worlds, or a learning sheet in its fonts: a sheet's `board` is a picture of nothing; or a large board. */
export interface PictureChoice {
  world?: World;
  sheet?: boolean;
  large?: boolean;
}

/** What is drawn for one seed. */
export type DrawRequest = DrawBoardOptions & PictureChoice;

/** Draws what is asked for. */
export async function drawPicture(
  seed: number,
  { sheet = false, large = false, ...options }: DrawRequest,
): Promise<SeededBoard | SeededLargeBoard> {
  if (large) return { seed, patchLabels: new Uint8Array(0), ...(await drawLargeBoard(seed, options.split)) };
  if (!sheet) {
    const { image, board, patchLabels } = await drawBoard(seed, options);
    return { seed, image, board, patchLabels };
  }
  return { seed, board: { scene: "other", thing: null, count: 0 }, ...(await drawSheet(seed, options.world)) };
}

/** Pictures each worker may be ahead: enough that it never waits, little enough for memory (about 200 KB each). */
const AHEAD = 8;

/**
 * The pictures of `seeds`, in that order. Workers run only a few pictures ahead of the consumer and end with the loop.
 * @throws whatever `drawBoard` throws for the first bad seed, at its place in the order
 * @example for await (const { image, board } of drawBoards({ seeds: [1, 2, 3], workers: 2 })) use(image, board);
 */
export async function* drawBoards({
  seeds,
  workers = 1,
  choose = () => ({}),
  ...options
}: DrawBoardsOptions): AsyncGenerator<SeededBoard> {
  if (!(Number.isInteger(workers) && workers >= 0))
    throw new RangeError(`workers must be a whole number from 0, but is ${workers}.`);
  if (workers === 0) {
    for (const seed of seeds) yield await drawPicture(seed, { ...options, ...choose(seed) });
    return;
  }
  const crew = Array.from({ length: workers }, () => startWorker());
  const waiting: Promise<SeededBoard>[] = [];
  try {
    let next = 0;
    const source = seeds[Symbol.iterator]();
    const order = () => {
      const item = source.next();
      if (item.done) return false;
      const drawing = crew[next++ % crew.length]!.draw(item.value, { ...options, ...choose(item.value) });
      // A failure is reported when its turn comes, even if the loop is still busy with an earlier picture.
      drawing.catch(() => {});
      waiting.push(drawing);
      return true;
    };
    while (waiting.length < workers * AHEAD && order());
    while (waiting.length > 0) {
      const drawn = await waiting.shift()!;
      order();
      yield drawn;
    }
  } finally {
    await Promise.all(crew.map((worker) => worker.stop()));
  }
}

type Reply = { id: number; drawn: SeededBoard } | { id: number; error: Error };

function startWorker() {
  const worker = startThread(new URL("./draw-worker.ts", import.meta.url));
  worker.unref();
  const pending = new Map<number, { resolve: (drawn: SeededBoard) => void; reject: (error: Error) => void }>();
  let count = 0;
  const failAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    worker.unref();
  };
  worker.on("message", (reply: Reply) => {
    const request = pending.get(reply.id)!;
    pending.delete(reply.id);
    if (pending.size === 0) worker.unref();
    if ("drawn" in reply) request.resolve(reply.drawn);
    else request.reject(reply.error);
  });
  worker.on("error", failAll);
  worker.on("exit", (code) =>
    failAll(new Error(`The drawing thread ended with code ${code} before its pictures were done.`)),
  );
  return {
    draw(seed: number, options: DrawRequest) {
      return new Promise<SeededBoard>((resolve, reject) => {
        const id = count++;
        pending.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, seed, options });
      });
    },
    stop: () => worker.terminate(),
  };
}

/** Starts a module as a thread, from source (through tsx, as in tests and recipes) or from the built package. */
function startThread(url: URL): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL(url.href.replace(/\.ts$/, ".js")));
  // tsx given by --import does not reach threads in Node 20, so the thread registers it for itself.
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); });`;
  return new Worker(start, { eval: true, execArgv: [] });
}

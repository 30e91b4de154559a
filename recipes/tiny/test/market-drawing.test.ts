// Market pictures repeat for a seed, keep the splits apart, and are labelled where things are.

import { describe, expect, test } from "vitest";
import { drawBoard, drawBoards, type PlainPicture, patchClasses, type Split, seedRanges } from "../market/index.ts";

const hex: Record<string, number[]> = {
  red: [217, 37, 37],
  orange: [245, 134, 31],
  yellow: [243, 210, 27],
  green: [44, 155, 63],
  blue: [36, 86, 214],
  purple: [129, 54, 184],
  pink: [245, 143, 184],
  brown: [122, 74, 33],
  black: [22, 22, 22],
  white: [250, 250, 250],
};

/** Of the three labels of a patch the last is its place. */
const isHalf = (_: number, index: number) => index % 3 < 2;

/** Half patches with a label: mean colour of the middle 4 x 8 pixels. */
function halves(drawn: Awaited<ReturnType<typeof drawBoard>>) {
  const { data, width } = drawn.image;
  return [...drawn.patchLabels].filter(isHalf).map((label, index) => {
    const [row, half] = [Math.floor(index / 32), index % 32];
    const sum = [0, 0, 0];
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 4; x++) {
        const at = ((row * 16 + 4 + y) * width + half * 8 + 2 + x) * 3;
        for (let c = 0; c < 3; c++) sum[c]! += data[at + c]! / 32;
      }
    }
    return { name: patchClasses[label]!, colour: sum, row, half };
  });
}

/** The nearer of two colours, light aside: distance after subtracting the mean. */
function nearer(colour: number[], a: number[], b: number[]): number {
  const distance = (other: number[]) => Math.hypot(...colour.map((value, c) => value - other[c]!));
  return distance(a) < distance(b) ? 0 : 1;
}

describe("drawing", () => {
  test("the same seed gives the same pixels and labels, another seed others", async () => {
    const [a, b, c] = [await drawBoard(11), await drawBoard(11), await drawBoard(12)];
    expect(a.image).toEqual(b.image);
    expect(a.patchLabels).toEqual(b.patchLabels);
    expect(a.board).toEqual(b.board);
    expect(c.image.data).not.toEqual(a.image.data);
  });

  test("threads draw what this thread draws, in order, and stop with the loop", async () => {
    const seeds = [5, 900, 3];
    const alone: Uint8Array[] = [];
    for await (const { image } of drawBoards({ seeds, workers: 0 })) alone.push(image.data);
    const drawn: number[] = [];
    for await (const { seed, image } of drawBoards({ seeds: [...seeds, 1, 2], workers: 2 })) {
      expect(image.data).toEqual(alone[drawn.length]);
      drawn.push(seed);
      if (drawn.length === seeds.length) break;
    }
    expect(drawn).toEqual(seeds);
    // Two threads start: two processor seconds, which a busy machine stretches.
  }, 180_000);

  test("a bad seed fails at its turn, in a thread as well", async () => {
    const drawn: number[] = [];
    const loop = async () => {
      for await (const { seed } of drawBoards({ seeds: [1, -1, 2] })) drawn.push(seed);
    };
    await expect(loop()).rejects.toThrow(/Seed -1 does not belong to split "train"/);
    expect(drawn).toEqual([1]);
  });

  test("a picture has the asked size and only the model's view by default", async () => {
    const { image } = await drawBoard(3);
    expect([image.width, image.height, image.data.length]).toEqual([256, 256, 256 * 256 * 3]);
    const wide = await drawBoard(3, { width: 300, height: 200 });
    expect([wide.image.width, wide.image.height, wide.image.data.length]).toEqual([300, 200, 300 * 200 * 3]);
  });
});

describe("labels lie where things are", () => {
  test("labelled shapes have their colour under bending, turning, light and noise", async () => {
    let [hits, misses] = [0, 0];
    for (let seed = 0; seed < 60; seed++) {
      const drawn = await drawBoard(seed, { scene: "plain" });
      const board = drawn.board as PlainPicture;
      const background = hex[board.background]!;
      const labelled = halves(drawn);
      for (const { name, colour, row, half } of labelled) {
        // A half patch whose neighbours have the same label lies inside the shape, not on its edge.
        const inside = [-1, 0, 1].every((dy) =>
          [-2, -1, 0, 1, 2].every((dx) => labelled[(row + dy) * 32 + half + dx]?.name === name),
        );
        if (!inside || !/shape:(square|circle)/.test(name)) continue;
        const shape = board.shapes.find((item) => name === `shape:${item.shape}`)!;
        if (nearer(colour, hex[shape.colour]!, background) === 0) hits++;
        else misses++;
      }
    }
    expect(hits).toBeGreaterThan(200);
    expect(misses / (hits + misses)).toBeLessThan(0.02);
  });

  test("every digit of every price lies inside the picture, and most are seen by a half patch", async () => {
    let [digits, labels, outside] = [0, 0, 0];
    for (let seed = 100; seed < 140; seed++) {
      const drawn = await drawBoard(seed, { scene: "board" });
      const isDigit = (label: number) => /^\d$/.test(patchClasses[label]!);
      const outlines = drawn.outlines().filter(({ label }) => isDigit(label));
      digits += outlines.length;
      outside += outlines.filter(({ points }) =>
        points.some(([x, y]) => x < -2 || y < -2 || x > 258 || y > 258),
      ).length;
      for (const { label, points } of outlines) {
        const middle = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length);
        const near = [-4, 0, 4].flatMap((dx) => [-5, 0, 5].map((dy) => [middle[0]! + dx, middle[1]! + dy] as const));
        const seen = near.some(
          ([x, y]) =>
            drawn.patchLabels[(Math.floor(y / 16) * 16 + Math.floor(x / 16)) * 3 + (Math.floor(x / 8) % 2)] === label,
        );
        if (seen) labels++;
      }
      if (drawn.board.scene !== "board") throw new Error("asked for a board");
      const expected = drawn.board.cells.reduce((sum, cell) => sum + cell.price.replace(".", "").length, 0);
      expect(outlines.length).toBe(expected);
    }
    expect(outside).toBe(0);
    expect(labels / digits).toBeGreaterThan(0.95);
  });

  test("every patch in the middle of a place has the label of its row and column", async () => {
    for (let seed = 200; seed < 210; seed++) {
      const { board, patchLabels } = await drawBoard(seed, { scene: "board", rows: 2, columns: 3, worn: false });
      if (board.scene !== "board") throw new Error("asked for a board");
      const found = new Set([...patchLabels].filter((_, i) => i % 3 === 2).map((label) => patchClasses[label]!));
      found.delete("nothing");
      expect([...found].sort()).toEqual(board.cells.map((c) => `place:${c.row},${c.column}`).sort());
      // Rows lie below one another, columns side by side, whatever the title and the margins.
      expect(patchClasses[patchLabels[(13 * 16 + 2) * 3 + 2]!]).toBe("place:2,1");
      expect(patchClasses[patchLabels[(13 * 16 + 13) * 3 + 2]!]).toBe("place:2,3");
    }
  });

  test("digits are at least six and a half pixels wide and eleven high even on the fullest board", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const drawn = await drawBoard(seed, { scene: "board", rows: 3, columns: 5, worn: false });
      for (const { label, points } of drawn.outlines()) {
        if (!/^[02-9]$/.test(patchClasses[label]!)) continue;
        const [[x0, y0], [x1, y1], [x2, y2]] = points as [[number, number], [number, number], [number, number]];
        expect(Math.hypot(x1 - x0, y1 - y0)).toBeGreaterThan(6.5);
        expect(Math.hypot(x2 - x1, y2 - y1)).toBeGreaterThan(11);
      }
    }
  });
});

describe("splits", () => {
  const splits: Split[] = ["train", "test", "held-out-fonts", "held-out-art"];

  test("own seed ranges that do not meet, and refuse each other's seeds", async () => {
    const ranges = splits.map((split) => seedRanges[split]).sort((a, b) => a.first - b.first);
    for (let i = 1; i < ranges.length; i++)
      expect(ranges[i - 1]!.first + ranges[i - 1]!.count).toBeLessThanOrEqual(ranges[i]!.first);
    for (const split of splits) {
      for (const other of splits) {
        if (split !== other)
          await expect(drawBoard(seedRanges[other].first, { split })).rejects.toThrow(/does not belong/);
      }
    }
  });
});

test.runIf(process.env.FLASHVL_LONG)("one thread draws at least 60 pictures a second", async () => {
  for await (const _ of drawBoards({ seeds: [1], workers: 0 }));
  const started = performance.now();
  for await (const _ of drawBoards({ seeds: Array.from({ length: 600 }, (_, i) => i), workers: 0 }));
  const rate = 600 / ((performance.now() - started) / 1000);
  console.log(`${rate.toFixed(0)} pictures/s in one thread`);
  expect(rate).toBeGreaterThan(60);
});

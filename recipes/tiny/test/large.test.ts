/** @file Large boards: the same for a seed, legible sizes, cells where they are said to be, and samples for each way of seeing them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planPicture, tileGrid } from "flashvl/model";
import { readSampleContext, type Sequence } from "flashvl/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokensShowing } from "../large/place-tokens.ts";
import { askAboutCells, uniqueKinds } from "../large/questions.ts";
import { largeSequence } from "../large/samples.ts";
import { FORMS, type Form, writeStart } from "../large/start.ts";
import { largeTask } from "../large/tasks.ts";
import type { MarketExtras } from "../lessons/extras.ts";
import { createRandom, drawLargeBoard, isCut, scoreAnswer } from "../market/index.ts";

const tiny = join(import.meta.dirname, "../../../models/flashvl-tiny");

describe("large boards", () => {
  test("are the same for a seed, in pixels of 900 to 2000 a side, each cell with its writing inside", async () => {
    const [a, b] = [await drawLargeBoard(5), await drawLargeBoard(5)];
    const { image, board, cells, writing } = a;
    expect(Buffer.compare(image.data, b.image.data)).toBe(0);
    expect({ ...b, image: null }).toEqual({ ...a, image: null });
    for (const side of [image.width, image.height]) expect(side >= 900 && side <= 2000).toBe(true);
    expect(board.cells).toHaveLength(board.rows * board.columns);
    expect(cells).toHaveLength(board.cells.length);
    for (const [i, cell] of cells.entries()) {
      const { x, y, width, height } = writing[i]!;
      const [middle, centre] = [x + width / 2, y + height / 2];
      expect(middle > cell.x && middle < cell.x + cell.width && centre > cell.y && centre < cell.y + cell.height).toBe(
        true,
      );
    }
  });

  test("know which cells a border of tiles cuts", () => {
    const part = { x: 0.4, y: 0.1, width: 0.2, height: 0.1 };
    expect(isCut(part, { columns: 2, rows: 1 })).toBe(true);
    expect(isCut(part, { columns: 3, rows: 1 })).toBe(false);
    expect(isCut({ ...part, x: 0.31, width: 0.2 }, { columns: 2, rows: 1 })).toBe(false); // a sliver beyond the border
    expect(isCut({ ...part, y: 0.45 }, { columns: 1, rows: 2 })).toBe(true);
  });

  test("are asked about by name only where the name is there once, and their own answers are right", async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { board } = await drawLargeBoard(seed);
      const unique = uniqueKinds(board);
      for (const { cell, byPlace, gold, answer } of askAboutCells(board, createRandom(seed), 30)) {
        if (!byPlace) expect(unique.has(cell.kind)).toBe(true);
        expect(scoreAnswer(gold, answer).correct).toBe(true);
      }
    }
  });

  test("give test rows of cut and of whole cells, and none of training's seeds", async () => {
    const rows = [];
    for await (const row of largeTask(2).rows()) rows.push(row);
    expect(new Set(rows.map(({ category }) => category.split(",")[0]))).toEqual(new Set(["border", "inner"]));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  });
});

describe("tokens that show a part", () => {
  const plan = {
    canvases: [{ width: 4, height: 2, columns: 2, rows: 1, frame: 0 }],
    windows: 2,
    grid: { columns: 2, rows: 2, order: "row-major" as const },
    tokens: 8,
  };
  test("are those of its tiles, with the share of each", () => {
    // The middle quarter of the upper row: half of the right token of tile 0 and of the left token of tile 1.
    const shown = tokensShowing(plan, { x: 3 / 8, y: 0, width: 1 / 4, height: 1 / 2 });
    expect([...shown]).toEqual([
      [1, 0.5],
      [4, 0.5],
    ]);
    const down = { ...plan, grid: { ...plan.grid, order: "column-major" as const } };
    expect([...tokensShowing(down, { x: 3 / 8, y: 0, width: 1 / 4, height: 1 / 2 }).keys()]).toEqual([2, 4]);
  });

  test("cover the whole picture once", () => {
    const all = tokensShowing(plan, { x: 0, y: 0, width: 1, height: 1 });
    expect([...all.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...all.values()].every((share) => Math.abs(share - 1) < 1e-9)).toBe(true);
  });
});

describe("samples", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "flashvl-large-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(Object.keys(FORMS) as Form[])(
    "as %s: the picture once, its tiles, and lessons that point into them",
    async (form) => {
      await writeStart(tiny, form, join(folder, form));
      const context = await readSampleContext(join(folder, form));
      const drawn = { seed: 9, patchLabels: new Uint8Array(0), ...(await drawLargeBoard(9)) };
      const plan = planPicture(context.config, drawn.image);
      const sequence: Sequence = largeSequence(context, drawn, { questions: 10, room: 1408 });
      expect(sequence.windows).toEqual([plan.windows]);
      expect(sequence.pictures[0]!.length).toBe(plan.windows * 3 * 256 * 256);
      const slots = sequence.ids.flatMap((id, i) => (id < 0 ? [i] : []));
      expect(slots).toHaveLength(plan.tokens);
      expect(Math.max(...sequence.branches)).toBe(10);
      const { pointers, views } = sequence.extras as unknown as MarketExtras;
      expect(pointers.length).toBeGreaterThan(3);
      const targets = new Set(sequence.targets.map(([at]) => at));
      // A place is looked for where the answer begins: that token's next one is trained.
      expect(pointers.some(({ at }) => targets.has(at))).toBe(true);
      const first = tileGrid(drawn.image, 256, 1, 6);
      for (const { tokens } of pointers) for (const { token } of tokens) expect(token).toBeLessThan(plan.tokens);
      expect(views[0]!.pictureWords.length).toBeGreaterThan(0);
      if (form === "dynamic") expect(plan.windows).toBe(first.columns * first.rows + 1);
    },
  );
});

/** @file "Where did it look": the decoder's attention for one token of an answer, as a heat map over the pictures. */
import { type Attention, attention } from "./api.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { pictureView } from "./pictures.ts";
import { problemText } from "./problem.ts";
import { tokenLabels } from "./token-labels.ts";
import type { ModelTurn, Turn } from "./types.ts";
import { t } from "./words.ts";

/** Heat from none to most: transparent over blue and yellow to red (opacity grows with it, so the picture stays visible). */
const HEAT: [number, number, number, number][] = [
  [30, 80, 200, 0],
  [40, 140, 230, 90],
  [250, 210, 60, 160],
  [230, 40, 30, 205],
];

/**
 * Opens the dialog for an answer. `turns` are the turns before it, ending with the question.
 *
 * @example openLook(turns, answer, settings.system);
 */
export function openLook(turns: Turn[], answer: ModelTurn, system: string): void {
  const pictures = turns.flatMap((turn) => (turn.role === "user" ? turn.pictures : []));
  const frames = pictures.map((picture, index) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const note = h("figcaption", {});
    return {
      element: h(
        "figure",
        {},
        h("div", { class: "heat" }, pictureView(picture, t("picture", index + 1)), canvas),
        note,
      ),
      canvas,
      note,
    };
  });
  const status = h("p", { class: "status", role: "status" }, t("lookHint"));
  const chips = tokenLabels(answer.tokens).map((label, index) =>
    h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => show(index) }, label),
  );
  const ids = answer.tokens.map(({ id }) => id);
  let asked = -1;
  const show = async (index: number) => {
    asked = index;
    for (const [place, chip] of chips.entries()) chip.setAttribute("aria-pressed", String(place === index));
    status.textContent = "…";
    try {
      const map = await attention(turns, system, ids, index);
      if (asked !== index) return;
      status.textContent = t("lookHint");
      for (const [place, frame] of frames.entries()) {
        const own = map.grids.flatMap((grid, i) => (grid.picture === place ? [{ grid, weights: map.maps[i]! }] : []));
        const [whole] = own;
        if (whole) draw(frame.canvas, whole.weights, whole.grid);
        const share = own.flatMap(({ weights }) => weights).reduce((sum, weight) => sum + weight, 0);
        frame.note.textContent = t("lookShare", (share * 100).toFixed(1));
      }
    } catch (error) {
      if (asked === index) status.textContent = problemText(error);
    }
  };
  openDialog("look", t("look"), [
    status,
    h("div", { class: "frames" }, ...frames.map((frame) => frame.element)),
    h("div", { class: "chips", role: "group", "aria-label": t("lookToken") }, ...chips),
  ]);
  if (chips.length > 0) void show(0);
}

/** Paints one cell per weight; the browser smooths when it scales the small canvas up. */
function draw(canvas: HTMLCanvasElement, weights: number[], { rows, columns }: Attention["grids"][number]): void {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  const most = Math.max(...weights, Number.MIN_VALUE);
  for (const [cell, weight] of weights.entries()) image.data.set(heat(weight / most), cell * 4);
  context.putImageData(image, 0, 0);
}

/** Colour of a share from 0 to 1, between the two nearest of {@link HEAT}. */
function heat(share: number): number[] {
  const place = Math.min(HEAT.length - 1.001, share * (HEAT.length - 1));
  const [low, high] = [HEAT[Math.floor(place)]!, HEAT[Math.floor(place) + 1]!];
  return low.map((value, index) => value + (high[index]! - value) * (place % 1));
}

/** @file Says in a fixed, compact form everything that a picture shows (question family 6). */

import type { Board, OtherPicture, PlainPicture, PriceBoard } from "./board.ts";
import { colours, shapes, things } from "./things.ts";
import { type Language, nameOf, priceOf } from "./words.ts";

/**
 * Everything in the picture, in reading order, for example
 * "第1行:西红柿 ¥3.5,黄瓜 ¥2.8;第2行:空,茄子 ¥6" or "Row 1: tomato ¥3.5, cucumber ¥2.8; row 2: empty, eggplant ¥6".
 * @example describe(sampleBoard(7), "en")
 */
export function describe(board: Board, language: Language): string {
  switch (board.scene) {
    case "board":
      return describePriceBoard(board, language);
    case "plain":
      return describePlain(board, language);
    case "other":
      return describeOther(board, language);
  }
}

function describePriceBoard(board: PriceBoard, language: Language): string {
  const chinese = language === "zh";
  const rows = Array.from({ length: board.rows }, (_, r) => {
    const cells = board.cells.filter((cell) => cell.row === r + 1);
    const texts = cells.map((cell) =>
      cell.kind ? `${nameOf(cell.kind, language)} ${priceOf(board, cell)}` : chinese ? "空" : "empty",
    );
    return chinese ? `第${r + 1}行:${texts.join(",")}` : `${r === 0 ? "Row" : "row"} ${r + 1}: ${texts.join(", ")}`;
  });
  return rows.join(chinese ? ";" : "; ");
}

/** "红色圆形" or "red circle". */
export function shapeName(item: PlainPicture["shapes"][number], language: Language): string {
  const colour = colours.find((one) => one.id === item.colour)!;
  const shape = shapes.find((one) => one.id === item.shape)!;
  return language === "zh" ? `${colour.zh}${shape.zh}` : `${colour.en} ${shape.en}`;
}

function describePlain(picture: PlainPicture, language: Language): string {
  // Sorted, because the eye has no reading order among loose shapes.
  const parts = shapes
    .flatMap((shape) => picture.shapes.filter((item) => item.shape === shape.id))
    .map((item) => shapeName(item, language));
  if (picture.number)
    parts.push(language === "zh" ? `数字${picture.number.digits}` : `the number ${picture.number.digits}`);
  return language === "zh"
    ? `这不是价目牌,图中有:${parts.join(",")}`
    : `Not a price board. It shows: ${parts.join(", ")}`;
}

function describeOther(picture: OtherPicture, language: Language): string {
  const thing = things.find((one) => one.id === picture.thing);
  if (!thing)
    return language === "zh"
      ? "这不是价目牌,图中没有蔬菜水果"
      : "Not a price board. There are no vegetables or fruits in it";
  return language === "zh" ? `这不是价目牌,图中是${thing.zh}` : `Not a price board. It shows ${thing.en}`;
}

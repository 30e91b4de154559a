/** @file Draws learning sheets: pictures covered with characters and icons, so that every patch has something to teach. */

import type { RgbImage } from "flashvl/processor";
import { css, drawBackground, type Hsl } from "./draw-background.ts";
import { drawGoods } from "./draw-goods.ts";
import { MIN_DIGIT } from "./draw-tag.ts";
import { blur, compress, develop, drawLight } from "./finish.ts";
import { kinds } from "./kinds.ts";
import { textWidth, writeText } from "./lettering.ts";
import { createMarks, VIEW } from "./marks.ts";
import { patchClasses, patchClassOf } from "./patch-classes.ts";
import { createRandom, type Random } from "./random.ts";
import { checkSeed, type World } from "./splits.ts";
import { collectionOf, openStudio, pickFace } from "./studio.ts";
import { LEAST_DIGIT, painter, pickManner } from "./wide-tags.ts";

export interface DrawnSheet {
  image: RgbImage;
  /** Indices into `patchClasses`, `[16, 16, 3]`, as `drawBoard` gives them. */
  patchLabels: Uint8Array;
}

const chinese = patchClasses.filter((name) => /^\p{Script=Han}$/u.test(name));
const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const digits = [..."0123456789"];
const signs = [..."..¥¥$/:"];

/** Lines of icons; digits are learnt last, so most lines are writing. */
const GOODS_SHARE = 0.25;

/** Height of a line in view pixels: from the smallest price on a full board to a lone large one. */
const pickHeight = (random: Random): number =>
  random.weighted([
    [random.between(17, 26), 5],
    [random.between(26, 44), 3],
    [random.between(44, 80), 0.5],
  ]);

/** As small as ten pixels in the wide world, and as large as half the picture. */
const pickWideHeight = (random: Random): number =>
  random.weighted([
    [random.between(12, 18), 3],
    [random.between(18, 30), 5],
    [random.between(30, 50), 3],
    [random.between(50, 128), 0.7],
  ]);

/** What a line is written with. Prices are what a board has most of, and what is hardest to read. */
const pickScript = (random: Random): (() => string) =>
  random.weighted([
    [() => random.pick(random.chance(0.8) ? digits : signs), 6],
    [() => random.pick(chinese), 2],
    [() => random.pick(letters), 1],
    [() => random.pick(random.pick([digits, signs, chinese, letters])), 1],
  ]);

/** A colour that stands out from the background. */
const pickInk = (random: Random, [, , lightness]: Hsl): Hsl => [
  random.between(0, 360),
  random.between(0, 90),
  lightness > 50 ? random.between(0, lightness - 45) : random.between(lightness + 45, 100),
];

/**
 * Draws a sheet: lines of random characters and rows of random icons over the whole view. Boards are mostly background;
 * a sheet teaches the tower several times as much per picture.
 * @param world whose fonts and ways of lettering it has
 * @throws RangeError for a seed outside the training range
 * @example const { image, patchLabels } = await drawSheet(7);
 */
export async function drawSheet(seed: number, world: World = "first"): Promise<DrawnSheet> {
  checkSeed(seed, "train");
  const random = createRandom(seed, 5);
  const wide = world === "wide";
  const studio = await openStudio("small", collectionOf("train", world));
  await studio.art.prepare(
    kinds.map(({ id }) => `kind:${id}`),
    "train",
    world,
  );
  const canvas = studio.library.createCanvas(VIEW, VIEW);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "medium";
  const marks = createMarks(1, 1);
  const background = drawBackground(context, random);
  for (let top = random.between(-6, 2); top < VIEW; ) {
    const goods = random.chance(GOODS_SHARE);
    const height = goods ? random.between(32, 90) : wide ? pickWideHeight(random) : pickHeight(random);
    if (random.chance(0.5)) {
      const paper: Hsl = [random.between(0, 360), random.between(0, 90), random.between(5, 95)];
      context.fillStyle = css(paper);
      context.fillRect(-10, top, VIEW + 20, height);
      if (goods) drawGoodsLine(top, height);
      else drawTextLine(top, height, paper);
    } else if (goods) drawGoodsLine(top, height);
    else drawTextLine(top, height, background);
    top += height + random.between(0, 4);
  }

  function drawTextLine(top: number, height: number, behind: Hsl): void {
    const face = pickFace(studio, random, "train");
    const size = height * random.between(0.9, 1.1);
    // As narrow as boards write at most: what can't be read can't be learnt.
    const least = (wide ? LEAST_DIGIT : MIN_DIGIT) / (textWidth(context, face, "8") * size);
    const stretch = Math.max(least, random.between(0.7, 1.1));
    const pickCharacter = pickScript(random);
    context.fillStyle = css(pickInk(random, behind));
    let text = "";
    for (let width = 0; width < VIEW; ) {
      const character = random.chance(0.08) ? " " : pickCharacter();
      text += character;
      width += textWidth(context, face, character) * size * stretch;
    }
    const paint = wide ? painter(context, pickManner(random, behind[2]), size) : undefined;
    writeText(context, marks, face, text, VIEW / 2, top + height / 2, size, stretch, paint);
  }

  function drawGoodsLine(top: number, height: number): void {
    for (let left = random.between(-10, 4); left < VIEW; ) {
      const width = height * random.between(0.8, 1.3);
      const { id } = random.pick(kinds);
      const drawing = random.pick(studio.art.drawings(`kind:${id}`, "train", world));
      drawGoods(
        context,
        marks,
        random,
        drawing,
        patchClassOf(`kind:${id}`),
        { x: left, y: top, width, height },
        random.between(0.8, 1.2),
      );
      left += width;
    }
  }

  drawLight(canvas, random);
  blur(canvas, random, studio.library);
  const developed = develop(context.getImageData(0, 0, VIEW, VIEW).data, VIEW, VIEW, random, undefined);
  const data = await compress(developed, VIEW, VIEW, random);
  return { image: { data, width: VIEW, height: VIEW }, patchLabels: marks.labels() };
}

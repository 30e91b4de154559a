/** @file The market as tasks for `flashvl eval`: `flashvl eval recipes/tiny/tasks.ts`, and its parts as `recipes/tiny/tasks.ts#blind`. */

import { marketTask } from "./market/index.ts";

/** New pictures with the art and fonts of training. */
export default marketTask();
/** Fonts that training never uses. */
export const heldOutFonts = marketTask({ split: "held-out-fonts" });
/** Drawings that training never uses. */
export const heldOutArt = marketTask({ split: "held-out-art" });
/** The test questions without their pictures. */
export const blind = marketTask({ blind: true });
/** Pictures of other things than price boards. */
export const other = marketTask({ scene: "other", families: [6, 7] });

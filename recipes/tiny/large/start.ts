/** @file The common start of the three models for large boards: one model's weights under three configurations. */

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What each of the three does with a picture. */
export const FORMS = {
  /** Squeezed into one square. */
  static: undefined,
  /** InternVL's tiles, and the whole in small. */
  dynamic: { tiles: { most: 6, thumbnail: true } },
  /** Tiles that overlap by an eighth of their side: as many tokens a picture as above, and 1.8 times the work of the tower. */
  iss: {
    tiles: { least: 4, most: 12, thumbnail: true },
    stitching: { form: "stitch", overlap: 0.125, frame: "neighbour", pooling: "shuffle" },
  },
} as const;
export type Form = keyof typeof FORMS;

const FILES = [
  "model.safetensors",
  "generation_config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "added_tokens.json",
  "flashvl.json",
];

/**
 * Writes `from` as a model that sees pictures in this form. Nothing is trained yet: tower, adapter and decoder are those of `from`.
 * @example await writeStart("models/flashvl-tiny", "iss", "runs/large/iss-start");
 */
export async function writeStart(from: string, form: Form, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const file of FILES) await cp(join(from, file), join(to, file));
  const { image_token_num, ...config } = JSON.parse(await readFile(join(from, "config.json"), "utf8"));
  const own = FORMS[form];
  const json = own ? { ...config, architectures: ["FlashVLTiled"], model_type: "FlashVLTiledConfig", ...own } : config;
  await writeFile(join(to, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
}

/** @file Reads preprocessor_config.json: how a checkpoint wants its pictures resized and normalised. */
import { z } from "zod";
import type { Resample } from "./resize.ts";

/** What {@link preprocessImage} needs, in plain units. */
export interface PreprocessorConfig {
  /** Width and height of the model's square input, in pixels. */
  size: number;
  resample: Resample;
  /** Factor from 0…255 to the range that `mean` and `std` are in (1/255 as a rule). */
  rescaleFactor: number;
  mean: [number, number, number];
  std: [number, number, number];
}

/** What holds for a model where the file does not say otherwise. */
export interface PreprocessorRules {
  /** Width and height of the tower's square input, in pixels. */
  readonly size: number;
  readonly resample: Resample;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /**
   * Whether pictures are cut into squares of `size` before the file's steps: scaling the shorter edge to that size and cropping
   * the middle then change nothing.
   */
  readonly tiled: boolean;
}

/** A SigLIP processor's, whose file says the size itself. */
const SIGLIP: Omit<PreprocessorRules, "size"> = {
  resample: "bilinear",
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  tiled: false,
};

/** Pillow's numbers for the filters that we have. */
const RESAMPLE_NAMES: Record<number, Resample> = { 0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic" };

/** Side of the square input, above which memory, not the model, would be the news. */
const MAX_SIDE = 16384;

const EXPECTED_SIZE = `expected a number or { height, width }, each from 1 to ${MAX_SIDE}`;

const side = z.number().int().min(1).max(MAX_SIDE);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();

const schema = z.object({
  do_resize: z.boolean().nullish(),
  do_rescale: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  do_center_crop: z.boolean().nullish(),
  do_pad: z.boolean().nullish(),
  size: z
    .union([side, z.object({ height: side, width: side }), z.object({ shortest_edge: side })], {
      error: EXPECTED_SIZE,
    })
    .optional(),
  crop_size: z.union([side, z.object({ height: side, width: side })]).nullish(),
  resample: z.number().int().nullish(),
  rescale_factor: positive.default(1 / 255),
  image_mean: perChannel.nullish(),
  image_std: z.tuple([positive, positive, positive]).nullish(),
});

type Size = NonNullable<z.infer<typeof schema>["size"]>;

/** Width and height that a size asks for. */
function sidesOf(size: Size): { width: number; height: number } {
  if (typeof size === "number") return { width: size, height: size };
  return "shortest_edge" in size ? { width: size.shortest_edge, height: size.shortest_edge } : size;
}

/** Read the parsed content of `preprocessor_config.json` (as SiglipImageProcessor writes it).
 *
 * @param json the parsed file
 * @param rules what the model needs and assumes; without them the file must say its size
 * @throws with every problem named, when a value is missing or of the wrong kind, or asks for a step that this
 * package does not do (cropping, padding, keeping the aspect ratio, sizes that are not square, other filters)
 * @example
 * const config = readPreprocessorConfig(JSON.parse(await readFile("preprocessor_config.json", "utf8")));
 */
export function readPreprocessorConfig(json: unknown, rules?: PreprocessorRules): PreprocessorConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(the file)"}: ${issue.message}`);
    throw new Error(`preprocessor_config.json cannot be used: ${problems.join("; ")}.`);
  }
  const config = parsed.data;
  const problems: string[] = [];
  const own = rules ?? SIGLIP;
  const size = config.size ?? rules?.size;
  if (size === undefined) throw new Error(`preprocessor_config.json cannot be used: size: ${EXPECTED_SIZE}.`);
  const { height, width } = sidesOf(size);
  if (height !== width) problems.push(`size is ${width}×${height}, expected a square`);
  if (config.do_resize === false) problems.push("do_resize is false, expected true: the model's input has one size");
  if (typeof size === "object" && "shortest_edge" in size && !own.tiled)
    problems.push(`size: ${EXPECTED_SIZE}; found a shortest edge, which keeps the shape of the picture`);
  const crop = config.crop_size ? sidesOf(config.crop_size) : { width, height };
  if (config.do_center_crop && !(own.tiled && crop.width === width && crop.height === height))
    problems.push(
      own.tiled
        ? `crop_size is ${crop.width}×${crop.height}, expected that of size (${width})`
        : "do_center_crop is true, which is not supported",
    );
  if (config.do_pad) problems.push("do_pad is true, which is not supported");
  const resample = typeof config.resample === "number" ? RESAMPLE_NAMES[config.resample] : own.resample;
  if (resample === undefined) {
    problems.push(`resample is ${config.resample}, expected 0 (nearest), 1 (Lanczos), 2 (bilinear) or 3 (bicubic)`);
  }
  if (problems.length > 0 || resample === undefined) {
    throw new Error(`preprocessor_config.json cannot be used: ${problems.join("; ")}.`);
  }
  return {
    size: height,
    resample,
    rescaleFactor: config.do_rescale === false ? 1 : config.rescale_factor,
    mean: config.do_normalize === false ? [0, 0, 0] : [...(config.image_mean ?? own.mean)],
    std: config.do_normalize === false ? [1, 1, 1] : [...(config.image_std ?? own.std)],
  };
}

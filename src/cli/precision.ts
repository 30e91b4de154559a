/** @file --preset and --layer: the precision of a model and of single layers, checked before anything is loaded for them. */
import { type Command, InvalidArgumentError } from "commander";
import type { LayerOverrides, Preset } from "../compile/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { UsageError } from "./fail.ts";

/** Flags of commands that open or build a model in some precision. */
export interface PrecisionOptions {
  preset?: string;
  /** Precisions by pattern, as they were written. */
  layer?: Readonly<Record<string, string>>;
}

/** Adds --preset and --layer. */
export function addPrecisionOptions(command: Command): Command {
  return command
    .option(
      "--preset <name>",
      "precision: fp32, int8, int4, w8a8, auto or fp16 (default: fp32, above 500 million parameters auto; on a GPU with float16: fp16)",
    )
    .option(
      "--layer <pattern=precision>",
      'another precision for some layers, such as "llm.*.down_proj=int8"; repeatable, or separated by commas; the last that fits a layer counts',
      collectLayers,
    );
}

/** One value of --layer, after those before it. A pattern that comes again moves to the end, since the last one counts. */
function collectLayers(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const layers = new Map(Object.entries(before));
  for (const part of text.split(",")) {
    const [, pattern, precision] = /^\s*([^\s=]+)\s*=\s*([^\s=]+)\s*$/.exec(part) ?? [];
    if (pattern === undefined || precision === undefined)
      throw new InvalidArgumentError(`Expected a pattern, "=" and a precision, such as llm.*.down_proj=int8.`);
    layers.delete(pattern);
    layers.set(pattern, precision);
  }
  return Object.fromEntries(layers);
}

/**
 * The preset and the overrides that the flags name; without a name the model and the device decide.
 *
 * @throws UsageError listing the presets or the precisions
 * @example const { preset, overrides } = await choosePrecision({ preset: "int4", layer: { "llm.lm_head": "int8" } });
 */
export async function choosePrecision({
  preset: name,
  layer = {},
}: PrecisionOptions): Promise<{ preset: Preset | undefined; overrides: LayerOverrides }> {
  const { PRESET_NAMES } = await import("../compile/index.ts");
  const { SCHEME_NAMES } = await import("../passes/index.ts");
  const preset = PRESET_NAMES.find((known) => known === name);
  if (name !== undefined && !preset)
    throw new UsageError(`There is no preset "${name}"; expected one of ${PRESET_NAMES.join(", ")}.`);
  const overrides = Object.entries(layer).map(([pattern, precision]) => {
    const known = SCHEME_NAMES.find((scheme) => scheme === precision);
    if (known) return [pattern, known] as const;
    const expected = SCHEME_NAMES.join(", ");
    throw new UsageError(`There is no precision "${precision}" for layers "${pattern}"; expected one of ${expected}.`);
  });
  return { preset, overrides: Object.fromEntries(overrides) };
}

/** @throws UsageError when the model has no layer for one of the patterns */
export async function checkLayers(overrides: LayerOverrides, config: ModelConfig): Promise<void> {
  const { checkOverrides } = await import("../compile/index.ts");
  try {
    checkOverrides(overrides, config);
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(`--layer: ${cause.message}`, { cause });
    throw cause;
  }
}

/** @file From a checkpoint's tensors to the bytes of a graph's weights, a chunk at a time. */

import { toF16, toF32 } from "../../common/index.ts";
import { elementCount, PANEL_COLUMNS, showShape, sourceName, type Value } from "../../graph/index.ts";
import { type RopeRecipe, ropeTable } from "../../model/index.ts";
import { quantizeRows, type RowJob, type RowResult } from "./quantize-rows.ts";
import type { ConcatRecipe, QuantizedRecipe, TransposedRecipe } from "./recipes.ts";
import { scaledRows, type TensorReader } from "./scaled-tensors.ts";

export type Recipe = RopeRecipe | ConcatRecipe | TransposedRecipe | QuantizedRecipe;

/** Quantises rows, on this thread or on several. */
export interface WeightMaker {
  quantize(job: RowJob): Promise<RowResult>;
  /** Jobs that may run at once. */
  readonly parallel: number;
  /** Scales that came out with the values of a weight and are asked for next, by the weight's name. */
  readonly scales: Map<string, Uint8Array>;
  /** From calibration: factors for error feedback (`feedbackFactor`), by the name of a weight. */
  readonly factors?: ReadonlyMap<string, Float64Array>;
}

/** Quantises on the calling thread. */
export const inlineMaker = (): WeightMaker => ({
  quantize: async (job) => quantizeRows(job),
  parallel: 1,
  scales: new Map(),
});

/** Elements per chunk: 16 MiB of float32, so that no tensor is ever whole in memory. */
const CHUNK = 4 << 20;
/** Elements per run of rows that are quantised together: small enough that several runs in several threads stay cheap. */
const RUN = 1 << 20;

const asBytes = (data: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Stored numbers in the element type of a weight. */
const asFloats = (bytes: Uint8Array, dtype: string, to: Value["dtype"]): Float32Array | Uint16Array =>
  to === "float16" ? toF16(bytes, dtype) : toF32(bytes, dtype);

/**
 * The bytes of one weight in order. Plain weights are the checkpoint's tensor of that name in the weight's type, float32 or
 * float16; others follow their recipe.
 * @throws Error when the checkpoint's tensor has another number of elements than the graph expects
 */
export async function* weightBytes(
  weight: Value,
  stored: TensorReader,
  maker: WeightMaker = inlineMaker(),
): AsyncGenerator<Uint8Array> {
  const recipe = weight.node.attrs.recipe as Recipe | undefined;
  const reader =
    recipe && "rowFactors" in recipe ? await scaledRows(stored, recipe.sources, recipe.rowFactors!) : stored;
  if (recipe?.kind === "rope") {
    const [positions, half] = weight.shape as [number, number];
    yield asBytes(asFloats(asBytes(ropeTable(recipe, positions, half)), "F32", weight.dtype));
  } else if (recipe?.kind === "blockwise" || recipe?.kind === "columns") {
    // Scales are made in float32, except those of the native kernel.
    const rounded =
      recipe.part === "scales" && weight.dtype === "float16" && !("layout" in recipe && recipe.layout === "panels");
    for await (const bytes of quantizedBytes(sourceName(weight), recipe, reader, maker))
      yield rounded ? asBytes(toF16(bytes, "F32")) : bytes;
  } else if (recipe?.kind === "transposed") {
    expectElements(recipe.sources, reader, recipe.n * recipe.k, `[${recipe.n}, ${recipe.k}]`);
    yield* transposedFloats(recipe, weight.dtype, reader);
  } else {
    const sources = recipe?.sources ?? [sourceName(weight)];
    expectElements(sources, reader, elementCount(weight.shape), showShape(weight.shape));
    for (const name of sources) for await (const part of plainFloats(name, weight.dtype, reader)) yield asBytes(part);
  }
}

function expectElements(sources: readonly string[], reader: TensorReader, expected: number, wanted: string): void {
  const shapes = sources.map((name) => reader.info(name).shape);
  if (shapes.reduce((sum, shape) => sum + elementCount(shape), 0) !== expected)
    throw new Error(
      `${sources.map((name, i) => `Tensor "${name}" has shape ${showShape(shapes[i]!)}`).join(", ")}; the graph expects ${wanted}.`,
    );
}

const elementBytes = (dtype: string): number => (dtype === "F32" ? 4 : 2);

async function* plainFloats(
  name: string,
  to: Value["dtype"],
  reader: TensorReader,
): AsyncGenerator<Float32Array | Uint16Array> {
  const { dtype, shape } = reader.info(name);
  const count = elementCount(shape);
  const size = elementBytes(dtype);
  for (let at = 0; at < count; at += CHUNK) {
    const end = Math.min(count, at + CHUNK);
    yield asFloats(await reader.readRange(name, at * size, end * size), dtype, to);
  }
}

/** The matrix is in memory once. */
async function* transposedFloats(
  { sources, n, k }: TransposedRecipe,
  to: Value["dtype"],
  reader: TensorReader,
): AsyncGenerator<Uint8Array> {
  const matrix = to === "float16" ? new Uint16Array(n * k) : new Float32Array(n * k);
  let at = 0;
  for (const name of sources)
    for await (const part of plainFloats(name, to, reader)) {
      matrix.set(part, at);
      at += part.length;
    }
  for (const run of transposed(matrix, n, k)) yield asBytes(run);
}

/** Streams the values as they are made. The scales, a fraction of their size, are kept in the maker until they are written. */
async function* quantizedBytes(
  name: string,
  recipe: QuantizedRecipe,
  reader: TensorReader,
  maker: WeightMaker,
): AsyncGenerator<Uint8Array> {
  const values = name.replace(/\.scales$/, "");
  const known = maker.scales.get(values);
  if (recipe.part === "scales" && known) {
    maker.scales.delete(values);
    yield known;
    return;
  }
  expectElements(recipe.sources, reader, recipe.n * recipe.k, `[${recipe.n}, ${recipe.k}]`);
  const scales: Uint8Array[] = [];
  const rows: Uint8Array[] = [];
  for await (const run of quantizedRuns(recipe, reader, maker)) {
    scales.push(run.scales);
    if (recipe.part === "scales") continue;
    if (recipe.kind === "columns") rows.push(run.values);
    else yield run.values;
  }
  if (recipe.part === "scales") yield joined(scales);
  else {
    maker.scales.set(values, joined(scales));
    if (recipe.kind === "columns") yield* transposed(joined(rows), recipe.n, recipe.k);
  }
}

/** Runs of rows in order, several of them in progress at once. */
async function* quantizedRuns(
  recipe: QuantizedRecipe,
  reader: TensorReader,
  maker: WeightMaker,
): AsyncGenerator<RowResult> {
  const { k } = recipe;
  // Runs of rows end at panels of the native kernel.
  const run = Math.max(PANEL_COLUMNS, Math.floor(RUN / k / PANEL_COLUMNS) * PANEL_COLUMNS);
  const to: RowJob["to"] =
    recipe.kind === "columns"
      ? { kind: "rows" }
      : { kind: "blockwise", bits: recipe.bits, block: recipe.block, layout: recipe.layout };
  const underWay: Promise<RowResult>[] = [];
  for (const name of recipe.sources) {
    const factor = recipe.kind === "blockwise" ? maker.factors?.get(name) : undefined;
    const { dtype, shape } = reader.info(name);
    const n = elementCount(shape) / k;
    const rowBytes = k * elementBytes(dtype);
    for (let at = 0; at < n; at += run) {
      const bytes = reader.readRange(name, at * rowBytes, Math.min(n, at + run) * rowBytes);
      const job = bytes.then((read) => maker.quantize({ bytes: read, dtype, k, to, factor }));
      // A failure is reported when its turn comes; this keeps it from counting as unhandled until then.
      job.catch(() => {});
      underWay.push(job);
      if (underWay.length >= maker.parallel) yield await underWay.shift()!;
    }
  }
  for (const job of underWay) yield await job;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A matrix [n, k] as [k, n], in runs of columns: the matrix is in memory once. */
function* transposed<Data extends Uint8Array | Uint16Array | Float32Array>(
  matrix: Data,
  n: number,
  k: number,
): Generator<Data> {
  const run = Math.max(1, Math.floor(CHUNK / n));
  const make = matrix.constructor as new (length: number) => Data;
  for (let at = 0; at < k; at += run) {
    const count = Math.min(run, k - at);
    const out = new make(count * n);
    for (let row = 0; row < n; row++)
      for (let column = 0; column < count; column++) out[column * n + row] = matrix[row * k + at + column]!;
    yield out;
  }
}

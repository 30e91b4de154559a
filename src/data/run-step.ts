/** @file Runs one step: from whole files to a whole file with its manifest, or not at all where that is there already. */

import { createHash } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileHash, removeRemains, temporaryBeside, writeWhole } from "../common/node.ts";
import { type Database, quoted } from "./database.ts";
import { inspectRows } from "./inspect/inspect.ts";
import { finished, type Identity, type Manifest, writeManifest } from "./manifest.ts";
import { withComputed } from "./measure/measure.ts";
import type { Workshop } from "./measure/read-rows.ts";
import { bodyOf } from "./pipeline.ts";
import { formatOf, openRelation, type Relation, writeRows } from "./relation.ts";
import { decontaminateRows } from "./steps/decontaminate.ts";
import { dedupRows } from "./steps/dedup.ts";
import { filterRows, mixRows } from "./steps/filter-and-mix.ts";
import type { Step } from "./steps/keys.ts";
import type { Made, MadePage } from "./steps/made.ts";
import { sampleRows } from "./steps/sample.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

export interface StepResult extends Manifest {
  readonly name: string;
  /** It was there already, made of the same. */
  readonly reused: boolean;
}

/** Files that a step reads. */
export interface StepInputs {
  /** Of each of its sources. */
  readonly sources: readonly (readonly string[])[];
  /** Of benchmark sets. */
  readonly sets: readonly string[];
  /** What each of them, and of a model's files, is by content. */
  readonly hashes: Readonly<Record<string, string>>;
}

async function make(
  step: Step,
  relations: readonly Relation[],
  { sets }: StepInputs,
  workshop: Workshop,
  { out, identity }: { readonly out: string; readonly identity: Identity },
): Promise<Made | MadePage> {
  const [first] = relations as [Relation];
  const computed = (expressions: readonly string[]) => withComputed(workshop, first, expressions, "computed");
  if ("filter" in step)
    return { selection: await filterRows(workshop.database, await computed([step.filter.where]), step.filter) };
  if ("mix" in step) return { selection: mixRows(relations, step.mix) };
  if ("decontaminate" in step) return decontaminateRows(workshop, first, step.decontaminate, sets);
  if ("inspect" in step) return inspectRows(workshop, first, step.inspect, step.name);
  if ("sample" in step) {
    const hash = createHash("sha256").update(JSON.stringify(identity)).digest("hex");
    return sampleRows(workshop, first, step.sample, {
      answersPath: join(out, `${step.name}.answers.jsonl`),
      identity: hash,
    });
  }
  const { by = [], near } = step.dedup;
  return dedupRows(workshop, await computed([...by, ...(near?.of ? [near.of] : [])]), step.dedup);
}

/** Rows of files, counted by their relations. */
async function countRows(database: Database, relations: readonly Relation[]): Promise<number> {
  let rows = 0;
  for (const { sql } of relations) rows += Number((await database.rows(`SELECT count(*) AS n FROM (${sql})`))[0]!.n);
  return rows;
}

const endingOf = (step: Step, sources: StepInputs["sources"]): string =>
  "inspect" in step ? "html" : formatOf(sources.flat());

/** Writes what a step has made. @returns how many rows that are */
async function write(database: Database, made: Made | MadePage, path: string, rowsIn: number): Promise<number> {
  if ("page" in made) {
    await writeFile(path, made.page);
    return rowsIn;
  }
  await writeRows(database, made.selection, path);
  const reader = made.selection.format === "jsonl" ? "read_ndjson_objects" : "read_parquet";
  return Number((await database.rows(`SELECT count(*) AS n FROM ${reader}(${quoted(path)})`))[0]!.n);
}

/**
 * Runs a step, where its output is not there already.
 * @param settings of the pipeline, as they are part of what the output was made of
 */
export async function runStep(
  workshop: Workshop,
  step: Step,
  inputs: StepInputs,
  { out, settings }: { readonly out: string; readonly settings: object },
): Promise<StepResult> {
  const { database } = workshop;
  const output = join(out, `${step.name}.${endingOf(step, inputs.sources)}`);
  const manifestPath = join(out, `${step.name}.manifest.json`);
  const reportPath = join(out, `${step.name}.report.jsonl`);
  const identity: Identity = {
    step: { name: step.name, ...bodyOf(step) },
    settings,
    inputs: inputs.hashes,
    flashvl: version,
    duckdb: database.version,
  };
  const done = await finished(manifestPath, output, identity);
  if (done) return { ...done, name: step.name, reused: true };
  const relations: Relation[] = [];
  for (const files of inputs.sources) relations.push(await openRelation(database, files));
  const rowsIn = await countRows(database, relations);
  await removeRemains(output);
  const temporary = temporaryBeside(output);
  try {
    const made = await make(step, relations, inputs, workshop, { out, identity });
    const rowsOut = await write(database, made, temporary, rowsIn);
    const hash = await fileHash(temporary, "sha256");
    // Without its manifest an output is made again, so one of an earlier run must not stay beside a new output.
    await rm(manifestPath, { force: true });
    await rm(reportPath, { force: true });
    if ("report" in made && made.report) {
      await writeWhole(reportPath, "");
      await database.run(`COPY (${made.report}) TO ${quoted(reportPath)} (FORMAT json)`);
    }
    await rename(temporary, output);
    const { details = {} } = made;
    const manifest: Manifest = { ...identity, output: basename(output), hash, rowsIn, rowsOut, details };
    await writeManifest(manifestPath, manifest);
    return { ...manifest, name: step.name, reused: false };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

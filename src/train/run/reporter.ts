/** @file Where a run's metrics go beside metrics.jsonl: TensorBoard's files, or a module of the user's own. */

import { join } from "node:path";
import { TrainingInputError } from "../input-error.ts";
import { openModule } from "../open-module.ts";
import { openTensorBoard } from "./tensorboard.ts";

/** Is told of every step. */
export interface Reporter {
  /** @param metrics by the names of metrics.jsonl */
  log(step: number, metrics: Readonly<Record<string, number>>): void | Promise<void>;
  /** The run ends, or is interrupted. */
  close?(): void | Promise<void>;
}

export interface ReporterContext {
  /** Folder of the run. */
  readonly run: string;
  /** As it is run, complete. */
  readonly recipe: object;
  /** Step that the run goes on from; 0 for a new one. What was reported after it never happened. */
  readonly resumedAt: number;
}

/**
 * The default export of a module that a recipe's `report` names.
 * @example export default (_, { run }) => ({ log: (step, metrics) => console.log(run, step, metrics.loss) });
 */
export type OpenReporter = (options: object, context: ReporterContext) => Reporter | Promise<Reporter>;

/**
 * Opens the reporters of a recipe.
 * @throws TrainingInputError when a module cannot be imported or makes no reporter
 */
export async function openReporters(
  names: string | readonly string[] | undefined,
  context: ReporterContext,
): Promise<Reporter[]> {
  const reporters: Reporter[] = [];
  for (const name of [names ?? []].flat()) {
    if (name === "tensorboard") reporters.push(await openTensorBoard(join(context.run, "tensorboard")));
    else {
      const reporter = await openModule<Reporter>(name, "reporter", {}, context);
      if (typeof reporter?.log !== "function")
        throw new TrainingInputError(
          `The reporter ${name} cannot be used: its default export is to return { log(step, metrics) }.`,
        );
      reporters.push(reporter);
    }
  }
  return reporters;
}

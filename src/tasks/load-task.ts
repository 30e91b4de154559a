/** @file A task of one's own by the path of its module. */

import { importModule, isModulePath } from "./import-module.ts";
import type { Task } from "./task.ts";

/** The module's path and the export that is meant. */
function parseReference(reference: string): { path: string; name: string } {
  const at = reference.lastIndexOf("#");
  return at < 0
    ? { path: reference, name: "default" }
    : { path: reference.slice(0, at), name: reference.slice(at + 1) };
}

/** Whether a name is the path of a task's module. @example isTaskReference("tasks/mine.ts#hard") // true */
export const isTaskReference = (name: string): boolean => isModulePath(parseReference(name).path);

function isTask(found: unknown): found is Task<unknown> {
  if (typeof found !== "object" || found === null) return false;
  const { name, rows, prompt, score } = found as Partial<Task<unknown>>;
  return typeof name === "string" && [rows, prompt, score].every((part) => typeof part === "function");
}

/**
 * Loads a task: what the module exports as default, or under the name that stands after `#`. An export is a task, or a
 * function without arguments that gives one, also later.
 * @throws Error when the module cannot be imported, or what it exports is no task
 * @example const task = await loadTask("recipes/tiny/tasks.ts#blind");
 */
export async function loadTask(reference: string): Promise<Task<unknown>> {
  const { path, name } = parseReference(reference);
  const module = await importModule(path, "task");
  const found = module[name];
  if (found === undefined)
    throw new Error(
      `The task ${path} has no export ${JSON.stringify(name)}; it has ${Object.keys(module).join(", ") || "none"}.`,
    );
  const task: unknown = typeof found === "function" ? await found() : found;
  if (isTask(task)) return task;
  throw new Error(
    `The export ${JSON.stringify(name)} of ${path} is no task. Expected { name, rows, prompt, score }, or a function that returns it.`,
  );
}

/** @file Errors that say of which kind they are, for whoever chooses an exit code by it. */

/**
 * An error with a code: "not-found", "network" or "invalid", as the hub's errors have.
 * @example throw withCode("not-found", `${folder}: no such folder; expected a run.`);
 */
export function withCode(code: "not-found" | "network" | "invalid", message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}

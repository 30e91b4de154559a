/** @file The error for faults of what a run was given: recipe, data, folders. */

/** The user can mend it; `code` lets the command line tell it from a failure of the program. */
export class TrainingInputError extends Error {
  override readonly name: string = "TrainingInputError";
  readonly code = "invalid";
}

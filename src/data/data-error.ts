/** @file An error in what a user wrote: a pipeline, an expression, or the rows of a file. */

/** The message says what was found, what was expected, and what to do. */
export class DataError extends Error {
  override readonly name = "DataError";
}

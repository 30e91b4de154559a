/** @file The error for faults of what was passed in, so that a server can answer 400 and a command line can pick its exit code. */

/**
 * - `invalid`: the input is malformed or of a kind that is not supported
 * - `too-large`: it exceeds a limit
 * - `not-found`: there is no such file, or the server has none
 * - `refused`: a rule forbids it (private address, host not allowed, URL scheme)
 * - `network`: a server did not answer in time, or not as it should
 */
export type InputErrorCode = "invalid" | "too-large" | "not-found" | "refused" | "network";

/** A fault of the input, not of the program; `code` says of which kind. */
export class InputError extends Error {
  readonly code: InputErrorCode;

  constructor(code: InputErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InputError";
    this.code = code;
  }
}

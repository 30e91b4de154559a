/** @file The error of what a browser does not store. */

/**
 * - `quota`: the browser gives the page no more room
 * - `unavailable`: there is no private file system
 * - `in-use`: another tab has the model open
 */
export type StorageErrorCode = "quota" | "unavailable" | "in-use";

/** A fault of the browser's storage, not of the model. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(message: string, code: StorageErrorCode, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** @param need what is missing, as words; by default unknown */
  static full(cause?: unknown, need = "The model does not fit this browser's storage."): StorageError {
    const advice =
      'Remove models that are no longer needed (removeStored), free room on the disk, or use storage "memory".';
    return new StorageError(`${need} ${advice}`, "quota", { cause });
  }
}

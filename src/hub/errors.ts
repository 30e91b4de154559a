/** @file The errors of this room: one for files that are not what they should be, one for downloads that cannot go on. */

/**
 * A checkpoint file that cannot be used: it names the file, and the tensor where one is to blame.
 *
 * @example
 * try { await openCheckpoint(folder); } catch (error) { if (error instanceof CheckpointError) console.error(error.file); }
 */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly file: string;
  readonly tensor: string | undefined;

  constructor(file: string, message: string, tensor?: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.file = file;
    this.tensor = tensor;
  }
}

/** Why a model could not be brought to this machine; a caller chooses its exit code or its advice by it. */
export type HubErrorCode =
  | "bad-name" // the text is neither org/name[@revision] nor a folder
  | "not-found" // no such folder, repository, revision or file
  | "unauthorized" // the hub wants a token, or does not accept this one
  | "gated" // the hub wants the user to accept the model's terms first
  | "offline" // the network is switched off or away, and the cache does not hold the model
  | "network" // the hub answered wrongly or not at all, after all retries
  | "disk-full" // not enough room for what is still missing
  | "corrupt"; // the bytes that arrived are not the bytes that the hub announced

/**
 * A model that could not be resolved; `code` says which kind of trouble it is, the message what to do next.
 *
 * @example
 * try { await resolveModel("org/name"); } catch (error) { if (error instanceof HubError && error.code === "gated") ... }
 */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @file The error every runtime throws for what the inference library refuses. */

/** Names of ONNX Runtime's error codes, in the order of `OrtErrorCode`. */
const CODES = [
  "OK",
  "FAIL",
  "INVALID_ARGUMENT",
  "NO_SUCHFILE",
  "NO_MODEL",
  "ENGINE_ERROR",
  "RUNTIME_EXCEPTION",
  "INVALID_PROTOBUF",
  "MODEL_LOADED",
  "NOT_IMPLEMENTED",
  "INVALID_GRAPH",
  "EP_FAIL",
  "MODEL_LOAD_CANCELED",
  "MODEL_REQUIRES_COMPILATION",
  "NOT_FOUND",
] as const;

/** Name of a numeric `OrtErrorCode`. */
export const errorCode = (code: number): string => CODES[code] ?? String(code);

/** Message and code as ONNX Runtime reported them; code "no-device" where a device cannot be used. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  /** Builds the error for a numeric `OrtErrorCode`. */
  static fromStatus(code: number, message: string, doing: string): RuntimeError {
    return new RuntimeError(`${doing}: ${message.trim()}`, errorCode(code));
  }
}

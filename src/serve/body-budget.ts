/** @file Reads JSON bodies under two bounds: bytes of one body, and bytes of all bodies that are in memory at once. */
import { startThread, ThreadPool } from "../common/node.ts";
import { ApiError } from "./errors.ts";
import { type BodyError, parseBody } from "./parse-body.ts";

/** Room for a body whose length is not declared. */
const FIRST_BYTES = 16 * 1024;

/** Bytes of one request's body that count against the budget until `free` is called. */
export interface HeldBody {
  json: unknown;
  free(): void;
}

/**
 * Reads request bodies and accounts for their memory, so that a crowd of large uploads gets 429 and not the process.
 *
 * @example
 * const body = await budget.readJson(request);
 * try { handle(body.json); } finally { body.free(); }
 */
export class BodyBudget {
  readonly #maxBody: number;
  readonly #maxTotal: number;
  #held = 0;

  constructor(maxBody: number, maxTotal: number) {
    this.#maxBody = maxBody;
    this.#maxTotal = maxTotal;
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /**
   * Throws {@link ApiError}: 415 for another content type, 413 for a body over the limit, 429 when all bodies together
   * pass the budget, 400 for text that is not JSON. Whatever it throws, nothing stays counted.
   */
  async readJson(request: Request): Promise<HeldBody> {
    const type = request.headers.get("content-type") ?? "";
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      throw new ApiError(415, `Content-Type is ${JSON.stringify(type)}; send application/json.`, {
        code: "unsupported_media_type",
      });
    }
    const declared = Number(request.headers.get("content-length") ?? 0);
    if (declared > this.#maxBody) throw this.#tooLarge();
    let counted = 0;
    const free = () => {
      this.#held -= counted;
      counted = 0;
    };
    try {
      // Chunks are copied as they come: a body of megabytes must not be copied at once. Memory is used only where it is filled.
      let bytes = new Uint8Array(declared > 0 ? declared : FIRST_BYTES);
      const reader = request.body?.getReader();
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
        const chunk = next.value;
        counted += chunk.byteLength;
        this.#held += chunk.byteLength;
        if (counted > this.#maxBody) throw this.#tooLarge();
        if (this.#held > this.#maxTotal) {
          throw new ApiError(429, "Too many large requests are being read at once. Try again in 1 s.", {
            code: "body_memory_full",
            headers: { "retry-after": "1" },
          });
        }
        bytes = withRoom(bytes, counted - chunk.byteLength, counted);
        bytes.set(chunk, counted - chunk.byteLength);
      }
      return { json: await parse(bytes.subarray(0, counted)), free };
    } catch (error) {
      free();
      throw error instanceof ApiError ? error : new ApiError(400, "The request's body broke off.", { cause: error });
    }
  }

  /**
   * Reads a body to its end and keeps nothing, up to the limit of one body. A refusal that is sent while the client still
   * writes would reach it as a broken connection instead.
   */
  async discard(request: Request): Promise<void> {
    const reader = request.body?.getReader();
    let counted = 0;
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      counted += next.value.byteLength;
      if (counted > this.#maxBody) return;
    }
  }

  #tooLarge(): ApiError {
    return new ApiError(413, `The request's body is larger than the limit of ${this.#maxBody} bytes.`, {
      code: "body_too_large",
    });
  }
}

/** Memory with room for `needed` bytes that begins with the first `filled` of `bytes`; twice as much where it has to grow. */
function withRoom(bytes: Uint8Array<ArrayBuffer>, filled: number, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length));
  larger.set(bytes.subarray(0, filled));
  return larger;
}

const readers = new ThreadPool<Uint8Array>(() => startThread("body-worker", import.meta.url), 1);

/** Larger bodies take longer to read than everybody else may be made to wait. */
const LARGE_BODY = 128 * 1024;

async function parse(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  try {
    return bytes.length > LARGE_BODY ? await readers.run(bytes, [bytes.buffer]) : parseBody(bytes);
  } catch (cause) {
    const { message, code } = cause as BodyError;
    // From the thread an error comes back without its class; one without a code was not foreseen.
    throw code === undefined ? cause : new ApiError(400, message, { code, cause });
  }
}

/** @file Pictures of a request: first to file bytes (before the request waits), then to pixels (only once it has a slot). */
import { decodeDataUrl, fetchImage, loadImage, type RgbImage } from "../processor/index.ts";
import { ApiError, toApiError } from "./errors.ts";
import type { ServeSettings } from "./settings.ts";

/** Loads pictures under limits; the default one is the processor's guarded loader. */
export interface PictureLoader {
  /** Bytes behind an http(s) URL, only from allowed hosts and never from private addresses. */
  fetch(url: URL, signal: AbortSignal): Promise<Uint8Array>;
  /** Pixels of a picture file; throws before it decodes when the header promises more than `maxPixels`. */
  decode(bytes: Uint8Array, maxPixels: number): Promise<RgbImage>;
}

/**
 * The loader that servers use: the processor's, with the settings' limits and allowed hosts.
 *
 * @example const loader = pictureLoader(settings);
 */
export function pictureLoader({ pictureHost, maxPictureBytes }: ServeSettings): PictureLoader {
  return {
    fetch: (url, signal) => fetchImage(url.href, { allowedHosts: pictureHost, maxBytes: maxPictureBytes, signal }),
    decode: (bytes, maxPixels) => loadImage(bytes, { maxBytes: maxPictureBytes, maxPixels }),
  };
}

/** A picture's error with the place of the picture in the request. */
export function atPlace(cause: unknown, param: string): ApiError {
  const { status, message, code } = toApiError(cause);
  return new ApiError(status, status < 500 ? `${param}: ${message}` : message, {
    param,
    code: code?.replace("input_", "image_"),
    cause,
  });
}

/**
 * File bytes of an `image_url`: a data: URL is unpacked here, an http(s) URL goes through the guarded loader.
 * Throws {@link ApiError} 400 that names `param`.
 *
 * @example const bytes = await readPicture("data:image/png;base64,iVBOR…", "messages.0", loader, limits, signal);
 */
export async function readPicture(
  url: string | Uint8Array,
  param: string,
  loader: PictureLoader,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (typeof url !== "string") return url;
  const address = url.trim();
  if (/^data:/i.test(address)) return readDataUrl(address, param, maxBytes);
  let parsed: URL;
  try {
    parsed = new URL(address);
  } catch {
    throw new ApiError(
      400,
      `${param}: ${shorten(address)} is not a URL. Send a data: URL, or an http(s) URL of an allowed host.`,
      { param, code: "invalid_image_url" },
    );
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new ApiError(
      400,
      `${param}: a picture cannot come from a ${parsed.protocol} URL. Send a data: URL, or an http(s) URL of an allowed host.`,
      { param, code: "invalid_image_url" },
    );
  }
  try {
    return await loader.fetch(parsed, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw atPlace(cause, param);
  }
}

/** The bytes say what they are, so the type that a data: URL names is not looked at. */
function readDataUrl(address: string, param: string, maxBytes: number): Uint8Array {
  try {
    return decodeDataUrl(address, { maxBytes });
  } catch (cause) {
    const error = atPlace(cause, param);
    if (error.status !== 400) throw error;
    throw new ApiError(400, error.message, { param, code: "invalid_image_url", cause });
  }
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** @file Pictures of a request: first to file bytes (before the request waits), then to pixels (only once it has a slot). */

import { fetchImage, loadImage, type RgbImage } from "../processor/index.ts";
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
  address: string,
  param: string,
  loader: PictureLoader,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (/^data:/i.test(address)) return readDataUrl(address, param, maxBytes);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new ApiError(
      400,
      `${param}: ${shorten(address)} is not a URL. Send a data: URL, or an http(s) URL of an allowed host.`,
      { param, code: "invalid_image_url" },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ApiError(
      400,
      `${param}: a picture cannot come from a ${url.protocol} URL. Send a data: URL, or an http(s) URL of an allowed host.`,
      { param, code: "invalid_image_url" },
    );
  }
  try {
    return await loader.fetch(url, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw atPlace(cause, param);
  }
}

function readDataUrl(address: string, param: string, maxBytes: number): Uint8Array {
  const comma = address.indexOf(",");
  const head = comma < 0 ? "" : address.slice(0, comma);
  if (!/^data:image\/[\w.+-]+(;[\w=.+-]+)*;base64$/i.test(head)) {
    throw new ApiError(
      400,
      `${param}: the data: URL begins ${shorten(address)}, expected data:image/<format>;base64,<data>.`,
      { param, code: "invalid_image_url" },
    );
  }
  // 4 characters of base64 stand for 3 bytes, so the size is known before anything is unpacked.
  if ((address.length - comma - 1) * 0.75 > maxBytes + 3) {
    throw new ApiError(413, `${param}: the picture is larger than the limit of ${maxBytes} bytes.`, {
      param,
      code: "image_too_large",
    });
  }
  const text = address.slice(comma + 1);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
    throw new ApiError(400, `${param}: the data: URL is not valid base64.`, { param, code: "invalid_image_url" });
  }
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0)
    throw new ApiError(400, `${param}: the data: URL holds no data.`, { param, code: "invalid_image_url" });
  return bytes;
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

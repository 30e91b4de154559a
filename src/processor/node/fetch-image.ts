/** @file Downloads an encoded picture over http(s), with limits on size, time and redirects, from allowed hosts only. */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { MAX_IMAGE_BYTES } from "../image-limits.ts";
import { InputError } from "../input-error.ts";
import { type AddressRules, checkLiteralAddress, guardedLookup } from "./address-guard.ts";

/** A person is waiting for an answer about the picture; a server that needs longer is as good as down. */
export const REMOTE_TIMEOUT_MS = 20_000;

/** Image hosts redirect once or twice; browsers stop at 20, which helps nobody here. */
export const MAX_REDIRECTS = 5;

/** Longest URL in an error message. */
const SHOWN_URL_LENGTH = 200;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface FetchImageOptions extends AddressRules {
  /** Largest body in bytes; default {@link MAX_IMAGE_BYTES}. */
  maxBytes?: number;
  /** Time for everything, name lookup and redirects too, in milliseconds; default {@link REMOTE_TIMEOUT_MS}. */
  timeoutMs?: number;
  /** Load from these hosts only: exact names, or `*.example.com` for every name below it. */
  allowedHosts?: readonly string[];
  signal?: AbortSignal;
}

function show(url: URL | string): string {
  const text = String(url);
  return text.length > SHOWN_URL_LENGTH ? `${text.slice(0, SHOWN_URL_LENGTH)}…` : text;
}

function hostAllowed(host: string, allowed: readonly string[]): boolean {
  return allowed.some((pattern) => {
    const wanted = pattern.toLowerCase();
    return wanted.startsWith("*.") ? host.endsWith(wanted.slice(1)) : host === wanted;
  });
}

/** Everything that can be refused before connecting; called for each hop. */
function checkUrl(url: URL, options: FetchImageOptions): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InputError("refused", `Images are loaded over http: and https: only, not ${show(url.protocol)}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new InputError("refused", "Image URLs with a user name or password are not loaded.");
  }
  if (options.allowedHosts !== undefined && !hostAllowed(url.hostname, options.allowedHosts)) {
    throw new InputError("refused", `Images are not loaded from ${url.hostname}: it is not among the allowed hosts.`);
  }
  checkLiteralAddress(url.hostname, options);
}

/** Send the request and wait for the answer's head. */
function requestHead(url: URL, options: FetchImageOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    request(
      url,
      {
        // A connection of its own: a pooled one could lead to an address that was checked under other rules.
        agent: false,
        headers: { accept: "image/*", "accept-encoding": "identity", "user-agent": "flashvl" },
        lookup: guardedLookup(options),
        signal,
      },
      resolve,
    )
      .on("error", reject)
      .end();
  });
}

/** The address that a redirect names, or undefined if the answer is no redirect. */
function redirectTarget(response: IncomingMessage, url: URL): URL | undefined {
  if (!REDIRECTS.has(response.statusCode ?? 0)) return undefined;
  const location = response.headers.location ?? "";
  if (location === "" || !URL.canParse(location, url)) {
    throw new InputError("network", `${show(url)} redirects to ${show(location) || "nowhere"}, which is not a URL.`);
  }
  return new URL(location, url);
}

/** Refuse from the head alone what cannot be a picture, before its body costs anything. */
function checkHead(response: IncomingMessage, url: URL, maxBytes: number): void {
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) {
    const code = statusCode === 404 || statusCode === 410 ? "not-found" : "network";
    throw new InputError(code, `${show(url)} answered with status ${statusCode}; expected 200 and an image.`);
  }
  const type = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "" && !type.startsWith("image/") && !/^(application|binary)\/octet-stream$/.test(type)) {
    throw new InputError("invalid", `${show(url)} is ${show(type)}; expected an image.`);
  }
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new InputError("network", `${show(url)} came with content-encoding ${show(encoding)}; none was asked for.`);
  }
  if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLarge(url, maxBytes);
}

function tooLarge(url: URL, maxBytes: number): InputError {
  return new InputError(
    "too-large",
    `${show(url)} is larger than ${maxBytes} bytes. Send a smaller file, or raise the option maxBytes.`,
  );
}

async function readBody(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(url, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

async function fetchFollowing(start: URL, options: FetchImageOptions, signal: AbortSignal): Promise<Uint8Array> {
  const { maxBytes = MAX_IMAGE_BYTES } = options;
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    checkUrl(url, options);
    const response = await requestHead(url, options, signal);
    try {
      const target = redirectTarget(response, url);
      if (target === undefined) {
        checkHead(response, url, maxBytes);
        return await readBody(response, url, maxBytes);
      }
      url = target;
    } finally {
      response.destroy(); // the connection is not kept, whatever is left unread
    }
  }
  throw new InputError("network", `${show(start)} redirects more than ${MAX_REDIRECTS} times.`);
}

/**
 * Download the bytes of a picture. Redirects are followed by hand, each hop under the same rules as the first.
 *
 * @throws InputError "refused" (scheme, host, private address), "too-large", "not-found", "invalid" (not an image) or
 * "network" (no answer, not in time, status); the signal's reason when aborted
 * @example
 * const bytes = await fetchImage("https://example.com/photo.jpg", { allowedHosts: ["*.example.com", "example.com"] });
 */
export async function fetchImage(address: string, options: FetchImageOptions): Promise<Uint8Array> {
  if (!URL.canParse(address)) throw new InputError("invalid", `${show(address)} is not a URL.`);
  const { timeoutMs = REMOTE_TIMEOUT_MS, signal } = options;
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), timeoutMs);
  try {
    return await fetchFollowing(
      new URL(address),
      options,
      signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal]),
    );
  } catch (cause) {
    signal?.throwIfAborted();
    if (timer.signal.aborted) {
      throw new InputError("network", `${show(address)} did not arrive within ${timeoutMs} ms.`, { cause });
    }
    if (cause instanceof InputError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("network", `${show(address)} cannot be loaded: ${reason}.`, { cause });
  } finally {
    clearTimeout(timeout);
  }
}

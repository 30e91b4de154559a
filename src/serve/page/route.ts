/** @file GET / and the page's files, under a policy that lets the page load nothing but itself. */
import type { Hono } from "hono";
import type { ServeEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { pageFiles } from "./files.ts";

/** Scripts and styles from this server only; pictures also from blobs and data: URLs, which is how dropped ones are shown. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify",
].join("; ");

const SECURITY = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(self), microphone=(), geolocation=()",
};

/**
 * Adds the page. Where it has not been built, `/` says how to build it.
 *
 * @example pageRoute(app);
 */
export function pageRoute(app: Hono<ServeEnv>): void {
  const files = pageFiles();
  app.get("/", (_c, next) => {
    if (files.size > 0) return next();
    throw new ApiError(404, "The chat page has not been built. Run npm run build:web; the API works without it.", {
      code: "page_not_built",
    });
  });
  for (const [path, file] of files) {
    app.get(path, (c) => {
      const headers = {
        ...SECURITY,
        "content-type": file.type,
        etag: file.etag,
        "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      };
      if (c.req.header("if-none-match") === file.etag) return c.body(null, 304, headers);
      return c.body(file.body, 200, headers);
    });
  }
}

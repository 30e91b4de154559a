/** @file The built page's files, read once into memory. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of the page, ready to be sent. */
export interface PageFile {
  body: Uint8Array<ArrayBuffer>;
  type: string;
  etag: string;
  /** Names under /assets/ carry a hash of their content and so never change. */
  immutable: boolean;
}

const TYPES = new Map<string, string>(
  Object.entries({
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
  }),
);

/** Where the page is built to, seen from dist/serve/page and from src/serve/page. */
const FOLDERS = ["../../web/", "../../../dist/web/"];

/**
 * The page's files by URL path, `/` being index.html; empty when the page has not been built.
 *
 * @example const index = pageFiles().get("/");
 */
export function pageFiles(): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  const folder = FOLDERS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
    existsSync(join(path, "index.html")),
  );
  if (!folder) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES.get(extname(entry.name));
    if (!entry.isFile() || !type) continue;
    const file = join(entry.parentPath, entry.name);
    const body = new Uint8Array(readFileSync(file));
    const path = `/${file.slice(folder.length).replaceAll("\\", "/")}`;
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    files.set(path === "/index.html" ? "/" : path, { body, type, etag, immutable: path.startsWith("/assets/") });
  }
  return files;
}

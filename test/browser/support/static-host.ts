/** @file A host of static files with nothing of this package in it, which tests can make slow, deaf or wrong. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  json: "application/json",
  css: "text/css",
  mjs: "text/javascript",
  png: "image/png",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

export interface StaticHost {
  readonly origin: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Takes an answer over; true when it did. */
  intercept: (path: string, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/**
 * Serves folders under prefixes. `/` is an empty page that loads `/page/page-entry.js`, isolated so that it may have threads;
 * `/plain` is the same without isolation.
 */
export async function startHost(folders: Readonly<Record<string, string>>): Promise<StaticHost> {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(request.url!.replace(/[?#].*/, "")));
    host.asked.push(path);
    response.setHeader("cross-origin-resource-policy", "same-origin");
    if (path !== "/plain") {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    if (host.intercept(path, response)) return;
    if (path === "/" || path === "/plain") {
      response.setHeader("content-type", TYPES.html!);
      response.end('<!doctype html><title>test</title><script type="module" src="/page/page-entry.js"></script>');
      return;
    }
    const prefix = Object.keys(folders).find((each) => path.startsWith(each));
    const file = prefix && join(folders[prefix]!, path.slice(prefix.length), path.endsWith("/") ? "index.html" : "");
    const found = file ? await stat(file).catch(() => undefined) : undefined;
    if (!found?.isFile()) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader("content-type", TYPES[file!.split(".").pop()!] ?? "application/octet-stream");
    response.setHeader("content-length", found.size);
    createReadStream(file!).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const host: StaticHost = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    intercept: () => false,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return host;
}

/** @file Builds the chat page with a model in it: a folder of static files that any host serves, and that works offline after the first visit. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";
import { exportWeb, openModelCheckpoint, type Preset } from "../../src/compile/index.ts";
import { defaultModelFolder } from "../../src/node/index.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const WEB = join(HERE, "..");

/** Puts the model where the page has its server, and the page's name into the browser's list of applications. */
const inPage: Plugin = {
  name: "in-page",
  enforce: "pre",
  resolveId: (id, importer) =>
    id === "./api.ts" && importer?.startsWith(join(WEB, "src")) ? join(HERE, "in-page.ts") : undefined,
  transformIndexHtml: {
    order: "pre",
    handler: (html) => ({
      html: html.replace("on this server", "in this browser").replace(/<noscript>.*<\/noscript>/, ""),
      tags: [{ tag: "link", attrs: { rel: "manifest", href: "app.webmanifest" }, injectTo: "head" }],
    }),
  },
};

const APP = {
  name: "FlashVL",
  short_name: "FlashVL",
  start_url: "./",
  display: "standalone",
  icons: [{ src: "favicon.svg", sizes: "any", type: "image/svg+xml" }],
};

/**
 * Builds the page into a folder.
 * @param preset of the model that ships; int8 is a quarter of fp32's download
 * @example await buildDemo("dist/demo");
 */
export async function buildDemo(folder: string, preset: Preset = "int8", cacheDir?: string): Promise<void> {
  const out = resolve(folder);
  await build({
    configFile: join(WEB, "vite.config.ts"),
    root: WEB,
    logLevel: "error",
    plugins: [inPage],
    worker: { format: "es" },
    build: { outDir: out },
  });
  const { checkpoint, config } = await openModelCheckpoint(defaultModelFolder());
  try {
    await exportWeb(checkpoint, config, join(out, "model"), { preset, devices: ["wasm"], cacheDir });
  } finally {
    await checkpoint.close();
  }
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "app.webmanifest"), JSON.stringify(APP));
  const files = await pageFiles(out);
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(await readFile(join(out, file)));
  const worker = await readFile(join(HERE, "service-worker.js"), "utf8");
  const names = ["./", ...files.filter((file) => file !== "index.html")];
  const filled = worker.replace('"VERSION"', `"${hash.digest("hex").slice(0, 16)}"`);
  await writeFile(join(out, "service-worker.js"), filled.replace('["FILES"]', JSON.stringify(names)));
}

/** What a visit needs beside the model. The GPU's build of the runtime is not used here. */
async function pageFiles(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .filter((name) => !name.startsWith("model/") && !/asyncify|webgpu/.test(name) && name !== "service-worker.js")
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? "dist/demo";
  await buildDemo(folder);
  process.stdout.write(`${resolve(folder)}\n`);
}

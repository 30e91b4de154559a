/** @file Bundles a page that uses the package, as a user's bundler does; once for all test files, as long as the sources are the same. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");
const KEPT = join(ROOT, "node_modules/.cache");

/** Puts `page-entry.js`, the Worker, and what they load into a folder. */
export async function bundlePage(outDir: string): Promise<void> {
  const kept = join(KEPT, `flashvl-test-page-${await sourcesHash()}`);
  if (!existsSync(kept)) await buildAside(kept);
  await cp(kept, outDir, { recursive: true });
}

/** Another test file may do the same at the same time: who comes last throws its own away. */
async function buildAside(kept: string): Promise<void> {
  await mkdir(KEPT, { recursive: true });
  const aside = await mkdtemp(join(KEPT, "flashvl-test-page-new-"));
  try {
    await buildPage(aside);
    for (const name of await readdir(KEPT))
      if (/^flashvl-test-page-[0-9a-f]+$/.test(name) && join(KEPT, name) !== kept)
        await rm(join(KEPT, name), { recursive: true, force: true });
    await rename(aside, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** A hash over what the bundle is made from. */
async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256").update(await readFile(join(ROOT, "package-lock.json")));
  for (const folder of [join(ROOT, "src"), HERE])
    for (const file of (await readdir(folder, { recursive: true })).sort())
      if (file.endsWith(".ts")) hash.update(file).update(await readFile(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

const buildPage = (outDir: string) =>
  build({
    configFile: false,
    root: HERE,
    base: "./",
    logLevel: "silent",
    publicDir: false,
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      reportCompressedSize: false,
      rollupOptions: {
        input: join(HERE, "page-entry.ts"),
        output: { entryFileNames: "[name].js" },
        preserveEntrySignatures: "strict",
      },
    },
  });

/** @file How much JavaScript a first visit loads, as a bundler makes it: the page's part and the Worker's, without ONNX Runtime. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Plugin, type Rolldown } from "vite";
import { expect, it } from "vitest";

/** The limit: a page's code must not weigh more than a few of its pictures. */
const MOST_BYTES = 75_000;
/** Loaded where a model runs on a GPU. */
const LATER = /\/(check-adapter|device-kv-cache)\.ts$/;
const ORT = /onnxruntime-web/;

it("a first visit on WebAssembly loads at most 75 kB of JavaScript, compressed, beside ONNX Runtime", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-size-"));
  try {
    const entry = join(folder, "entry.js");
    const door = join(import.meta.dirname, "../../src/browser/index.ts");
    await writeFile(entry, `import { FlashVL } from ${JSON.stringify(door)};\nglobalThis.FlashVL = FlashVL;\n`);
    const [page, worker] = [new Map<string, Rolldown.OutputChunk>(), new Map<string, Rolldown.OutputChunk>()];
    await build({
      configFile: false,
      root: folder,
      logLevel: "silent",
      publicDir: false,
      plugins: [collect(page)],
      worker: { format: "es", plugins: () => [collect(worker)] },
      build: {
        write: false,
        target: "es2023",
        reportCompressedSize: false,
        rollupOptions: { input: entry },
      },
    });
    const sizes = [page, worker].map((chunks) => {
      const loaded = loadedAtFirst(chunks);
      return loaded.map(({ code }) => gzipSync(code).length).reduce((sum, bytes) => sum + bytes, 0);
    });
    // Both parts are there: the page's is a thin one.
    expect(sizes[0]).toBeGreaterThan(1000);
    expect(sizes[0]).toBeLessThan(15_000);
    expect(sizes[1]).toBeGreaterThan(20_000);
    expect(sizes[0]! + sizes[1]!).toBeLessThanOrEqual(MOST_BYTES);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Keeps the chunks of a bundle. */
const collect = (into: Map<string, Rolldown.OutputChunk>): Plugin => ({
  name: "collect",
  generateBundle(_, bundle) {
    for (const output of Object.values(bundle)) if (output.type === "chunk") into.set(output.fileName, output);
  },
});

/** The entry, what it imports, and what is imported when a model opens. */
function loadedAtFirst(chunks: ReadonlyMap<string, Rolldown.OutputChunk>): Rolldown.OutputChunk[] {
  const loaded = new Set<Rolldown.OutputChunk>();
  const load = (chunk: Rolldown.OutputChunk | undefined) => {
    if (!chunk || loaded.has(chunk)) return;
    const { moduleIds } = chunk;
    if (moduleIds.some((id) => ORT.test(id))) return;
    loaded.add(chunk);
    for (const name of chunk.imports) load(chunks.get(name));
    for (const name of chunk.dynamicImports) {
      const later = chunks.get(name);
      if (!(later?.facadeModuleId && LATER.test(later.facadeModuleId))) load(later);
    }
  };
  for (const chunk of chunks.values()) if (chunk.isEntry) load(chunk);
  return [...loaded];
}

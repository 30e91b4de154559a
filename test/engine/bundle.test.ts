/** @file The engine's core bundles for a page: with the runtime for pages and the processor's door for browsers it needs nothing of Node. */
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";
import { expect, it } from "vitest";

const PAGE = fileURLToPath(new URL("support/page.ts", import.meta.url));

/** Notes who imports what no page has. */
function watch(offenders: string[]): Plugin {
  return {
    name: "watch",
    enforce: "pre",
    resolveId(id, importer) {
      if (!/^node:|^(sharp|koffi|onnxruntime-node)$/.test(id)) return undefined;
      offenders.push(`${importer} imports ${id}`);
      return { id, external: true };
    },
  };
}

it("imports no module of Node and no native one", async () => {
  const offenders: string[] = [];
  const result = await build({
    configFile: false,
    logLevel: "silent",
    plugins: [watch(offenders)],
    build: { write: false, minify: false, lib: { entry: PAGE, formats: ["es"], fileName: "page" } },
  });
  expect(offenders).toEqual([]);
  const [output] = [result].flat() as { output: { code: string; fileName: string; imports?: string[] }[] }[];
  // Builds of onnxruntime-web are files of their own, of which a page loads one.
  const own = output!.output.map(({ fileName }) => fileName);
  expect(output!.output.flatMap(({ imports }) => imports ?? []).filter((name) => !own.includes(name))).toEqual([]);
  const { code } = output!.output[0]!;
  expect(code).not.toMatch(/__vite-browser-external|require\(/);
  // The scheduler and the sampler are really inside.
  expect(code).toMatch(/Scheduler = class/);
  expect(code).toMatch(/Sampler = class/);
}, 60_000);

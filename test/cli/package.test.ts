/** @file What `npm install flashvl` brings: no scripts, and no package that only few people need. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
  "dependencies" | "optionalDependencies" | "peerDependencies" | "devDependencies" | "scripts",
  Record<string, string>
> & { peerDependenciesMeta: Record<string, { optional: boolean }> };
const { dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest;
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  packages: Record<string, { dev?: boolean; peer?: boolean; hasInstallScript?: boolean }>;
};

it("no package that is installed with this one runs a script, nor does this one", () => {
  // `postprepare` runs only where `npm install` is called in the repository; npm asks users about `prepare`.
  for (const name of ["preinstall", "install", "postinstall", "prepare"])
    expect(manifest.scripts).not.toHaveProperty(name);
  const scripts = Object.entries(lock.packages).filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev);
  expect(scripts.map(([path]) => path)).toEqual([]);
});

it("optional packages are optional, and installed here in the same versions for the tests", () => {
  for (const [name, range] of Object.entries(peerDependencies)) {
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
    // Of several versions that fit, the first is the one that Node 20 runs.
    expect(range.split(" || ")).toContain(devDependencies[name]);
    expect(dependencies).not.toHaveProperty(name);
  }
});

it("ONNX Runtime and koffi are pinned exactly, koffi's binaries to the version of its types", () => {
  expect(devDependencies["onnxruntime-node"]).toMatch(/^\d+\.\d+\.\d+$/);
  expect(devDependencies.koffi).toMatch(/^\d+\.\d+\.\d+$/);
  for (const version of Object.values(optionalDependencies)) expect(version).toBe(devDependencies.koffi);
});

// Modules of users are imported by path, TypeScript too, where Node does not run it by itself.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importModule, isModulePath } from "./import-module.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-module-"));
  await writeFile(join(folder, "part.ts"), "export const part: number = 20;\n");
  await writeFile(
    join(folder, "user.ts"),
    'import { part } from "./part.ts";\nenum Two { value = 22 }\nexport default (): number => part + Two.value;\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

test("paths of modules are told from names of sets and of data files", () => {
  expect(["a.ts", "b/c.mjs", "D.JS", "/e.cts"].every(isModulePath)).toBe(true);
  expect(["MMStar", "data/meters.tsv", "a.jsonl", "ts", ".ts"].some(isModulePath)).toBe(false);
});

test("a module that is not there, or fails, is named with the reason", async () => {
  await expect(importModule(join(folder, "none.ts"), "reward")).rejects.toThrow(/The reward .*none\.ts is not there\./);
  await writeFile(join(folder, "fails.mjs"), 'throw new Error("no licence");\n');
  await expect(importModule(join(folder, "fails.mjs"), "task")).rejects.toThrow(
    /fails\.mjs cannot be loaded: no licence$/,
  );
});

test("a process without any loader imports TypeScript with what it imports in turn", async () => {
  // As the built package does: the module as JavaScript, inside a folder from which tsx is found.
  const cache = here("../../node_modules/.cache/import-module-test");
  const built = join(cache, `${process.pid}.mjs`);
  const { outputText } = ts.transpileModule(await readFile(here("import-module.ts"), "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  await mkdir(cache, { recursive: true });
  await writeFile(built, outputText.replace('"../common/node.ts"', '"./need-package.mjs"'));
  await writeFile(join(cache, "need-package.mjs"), "export const needPackage = () => {};\n");
  try {
    const program = `import { importModule } from ${JSON.stringify(built)};
      const { default: made } = await importModule(${JSON.stringify(join(folder, "user.ts"))}, "task");
      console.log(made());`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    expect(stdout).toBe("42\n");
  } finally {
    await rm(cache, { recursive: true });
  }
});

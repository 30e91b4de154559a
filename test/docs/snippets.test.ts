/** @file Every TypeScript snippet of README and docs compiles against the package's doors; those that need no server or download also run. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = ["README.md", "README.zh-CN.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);

interface Snippet {
  page: string;
  number: number;
  code: string;
}
const snippets: Snippet[] = pages.flatMap((page) =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^```ts\b.*\n([\s\S]*?)^```/gm)].map(([, code], i) => ({
    page,
    number: i + 1,
    code: code!,
  })),
);

/** What a snippet may take for granted: values that its text around it has introduced. */
const GIVEN: Readonly<Record<string, string>> = {
  file: 'declare const file: import("flashvl").ImageInput & Blob;',
  output: "declare const output: HTMLElement;",
};
const given = (code: string): string =>
  Object.entries(GIVEN)
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`(const|let) ${name}\\b`).test(code))
    .map(([, line]) => line)
    .join("\n");

// Inside the project, so that "flashvl" is this package.
let folder: string;
beforeAll(() => {
  mkdirSync(join(root, "runs"), { recursive: true });
  folder = mkdtempSync(join(root, "runs/snippets-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const nameOf = ({ page, number }: Snippet): string => `${page.replace(/\W+/g, "-")}-${number}.ts`;

function run(command: string, args: string[], cwd = root): Promise<{ code: number | null; words: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (words += chunk));
    child.on("close", (code) => resolve({ code, words }));
  });
}

it("all compile", async () => {
  expect(snippets.length).toBeGreaterThan(15);
  for (const snippet of snippets)
    writeFileSync(join(folder, nameOf(snippet)), `${given(snippet.code)}\n${snippet.code}\nexport {};\n`);
  const config = {
    extends: "../../tsconfig.json",
    include: ["*.ts"],
    exclude: [],
    compilerOptions: { incremental: false },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const { code, words } = await run(process.execPath, [
    join(root, "node_modules/typescript-native/bin/tsc"),
    "--noEmit",
    "-p",
    folder,
  ]);
  expect(words).toBe("");
  expect(code).toBe(0);
});

/** Pages whose snippets are whole programs over the small model and the files of this repository. */
const RUN = ["docs/first-picture.md", "docs/evaluate.md"];

it.each(snippets.filter(({ page }) => RUN.includes(page)).map((snippet) => [nameOf(snippet), snippet] as const))(
  "%s runs",
  async (name, { code }) => {
    const cwd = mkdtempSync(join(folder, "run-"));
    const path = join(cwd, name);
    // Pictures are named from the repository's root; what a program writes stays in its folder.
    writeFileSync(path, code.replaceAll('"examples/', `"${root}/examples/`));
    const { code: exit, words } = await run(process.execPath, ["--import", "tsx", "-C", "flashvl-source", path], cwd);
    expect(words.trim()).not.toBe("");
    expect(exit, words).toBe(0);
  },
);

/** @file The README in English and the one in Chinese are in step. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const readmes = ["README.md", "README.zh-CN.md"].map(read);

it("both have the same sections", () => {
  const levels = readmes.map((text) => text.replace(/^```.*?^```/gms, "").match(/^#+(?= )/gm));
  expect(levels[0]!.length).toBeGreaterThan(5);
  expect(levels[1]).toEqual(levels[0]);
});

it("both say the same commands", () => {
  const commands = readmes.map((text) => {
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block!);
    const lines = blocks.flatMap((block) => block.trim().split("\n"));
    return lines.map((line) => line.replace(/\s+#.*/, "")).filter((line) => /^(flashvl|npm|npx) /.test(line));
  });
  expect(commands[0]!.length).toBeGreaterThan(15);
  expect(commands[1]).toEqual(commands[0]);
});

it("every file that they, the docs and the rules of the house link to is there", () => {
  const docs = readdirSync(new URL("../../docs", import.meta.url)).filter((name) => name.endsWith(".md"));
  const pages = ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  const broken = [...pages, ...docs.map((name) => `docs/${name}`)].flatMap((page) =>
    [
      ...read(page)
        .replace(/^```.*?^```/gms, "")
        .matchAll(/\]\(([^)\s]+)\)/g),
    ]
      .map(([, link]) => link!.replace(/#.*/, ""))
      // "/api" is made when the site is built.
      .filter((link) => link !== "" && !/^(https?:|\/api)/.test(link))
      .filter((link) => {
        const path = new URL(link, new URL(`../../${page}`, import.meta.url));
        return !existsSync(path) && !existsSync(new URL(`${path.href}.md`));
      })
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

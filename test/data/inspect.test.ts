/** @file The page about a data file: its numbers, and that nothing in the rows can act on it. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../cli/run-cli.ts";
import { runSteps } from "./run-steps.ts";

const MODEL = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-inspect-"));
  for (const background of ["red", "blue"])
    await sharp({ create: { width: 50, height: 40, channels: 3, background } })
      .png()
      .toFile(join(folder, `${background}.png`));
  await writeFile(join(folder, "text.png"), "no picture");
  const rows = [
    { image: "red.png", question: "Which colour is shown here?", answer: "It is red." },
    { image: "red.png", question: "Which colour is shown here?", answer: "It is red.", id: "the same" },
    { image: "blue.png", question: "Which colour is shown here?", answer: "It is red." },
    { image: "text.png", question: "<script>alert(1)</script>", answer: '"><img src=x onerror=alert(1)>' },
    { image: "gone.png", question: "Where is it?", answer: "Gone." },
    { conversations: [{ from: "human", value: "Hello" }] },
    { unknown: "</pre><script>alert(2)</script>" },
  ];
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an inspection", () => {
  test("counts rows, tokens, pictures, duplicates, and what is broken or odd", async () => {
    const { results, out } = await runSteps(folder, [{ name: "look", inspect: { from: "rows.jsonl" } }], {
      model: MODEL,
    });
    const { details } = results[0]!;
    expect(details).toMatchObject({
      rows: 7,
      broken: 3,
      odd: 1,
      pictures: 5,
      withoutPicture: 1,
      duplicates: 1,
      repeatedQuestions: 2,
    });
    expect(details.tokens).toBeGreaterThan(details.pictureTokens! + details.answerTokens!);
    expect(details.pictureTokens).toBeGreaterThan(0);
    const page = await readFile(join(out, "look.html"), "utf8");
    for (const text of [
      "Rows by tokens",
      "Languages",
      "Odd turns",
      "no answer",
      "Variance of the Laplacian",
      "gone.png",
      "unknown",
    ])
      expect(page).toContain(text);
    expect(page.match(/src="data:image\/jpeg;base64,/g)!.length).toBeGreaterThanOrEqual(3);
    expect(results[0]).toMatchObject({ rowsIn: 7, rowsOut: 7, output: "look.html" });
  });

  test("makes a page that loads nothing and runs nothing, whatever the rows hold", async () => {
    const { out } = await runSteps(folder, [{ name: "look", inspect: { from: "rows.jsonl" } }]);
    const page = await readFile(join(out, "look.html"), "utf8");
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|onerror=(?!alert\(1\)&)|<img src=x|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(page).toContain("&#60;script&#62;alert(1)");
    expect(page).not.toContain("Rows by tokens");
  });

  test("is a command, which prints the numbers and where the page is", async () => {
    const page = join(folder, "page");
    const files = [join(folder, "rows.jsonl"), "--images", folder, "--out", page, "--shown", "1", "--json"];
    const { stdout } = await runCli(["data", "inspect", ...files]);
    expect(JSON.parse(stdout)).toMatchObject({ details: { rows: 7, broken: 3 }, output: "inspection.html" });
    expect(await readFile(join(page, "inspection.html"), "utf8")).toContain("<svg");
  });
});

test("no later step can read a page", async () => {
  const steps = [
    { name: "look", inspect: { from: "rows.jsonl" } },
    { name: "f", filter: { from: "look", where: "true" } },
  ];
  await expect(runSteps(folder, steps)).rejects.toThrow(/reads "look", which makes a page and no rows/);
});

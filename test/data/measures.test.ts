/** @file Computed columns in filters: what they are, that they are computed once, and what they need. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { computedIn } from "../../src/data/measure/columns.ts";
import { messagesOf, oddTurns } from "../../src/data/measure/read-row.ts";
import { openRemote } from "../../src/data/remote.ts";
import { runSteps } from "./run-steps.ts";

const MODEL = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-measures-"));
  const noise = Uint8Array.from({ length: 90 * 30 * 3 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  await sharp(noise, { raw: { width: 90, height: 30, channels: 3 } })
    .png()
    .toFile(join(folder, "noise.png"));
  await sharp({ create: { width: 30, height: 40, channels: 3, background: "gray" } })
    .png()
    .toFile(join(folder, "plain.png"));
  await writeFile(join(folder, "cut.png"), (await readFile(join(folder, "noise.png"))).subarray(0, 900));
  const rows = [
    { id: 1, image: "noise.png", question: "What is shown in this picture?", answer: "Noise, as far as one can see." },
    {
      id: 2,
      images: ["noise.png", "plain.png"],
      question: "Was zeigen diese beiden Bilder?",
      answer: "Rauschen und eine graue Fläche.",
    },
    {
      id: 3,
      conversations: [
        { from: "human", value: "图中有什么蔬菜?" },
        { from: "gpt", value: "没有蔬菜。" },
      ],
    },
    { id: 4, image: "cut.png", question: "What is this?", answer: "A picture that ends early." },
    { id: 5, image: "missing.png", question: "What is this?", answer: "Nothing." },
    { id: 6, answer: "An answer to nothing." },
    {
      id: 7,
      messages: [
        { role: "assistant", content: "Hello!" },
        { role: "user", content: "Hello." },
      ],
    },
    { id: 8, image: "plain.png", prompt: "Which colour?", chosen: "gray", rejected: "red" },
  ];
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

const kept = async (where: string, more: object = {}, out?: string) => {
  const { rows, ...rest } = await runSteps(
    folder,
    [{ name: "f", filter: { from: "rows.jsonl", where } }],
    more,
    out ? { out } : {},
  );
  return { ...rest, ids: (await rows("f.jsonl")).map(({ id }) => id) };
};

test("a column is computed where an expression names it, and only there", () => {
  expect(computedIn(["_tokens < 5 AND _blur > 2", "my_width > 1"])).toEqual(["_tokens", "_blur"]);
  expect(computedIn(["score > 1"])).toEqual([]);
});

test.each([
  ["_fault IS NULL", [1, 2, 3, 7, 8]],
  ["_fault LIKE '%missing.png%' OR _fault LIKE '%expected%column%'", [5, 6]],
  ["_odd IS NOT NULL", [7]],
  ["_turns = 2 AND _pictures = 0", [3, 7]],
  ["_pictures = 2 AND _width = 30 AND _height = 40 AND _entropy = 0", [2]],
  ["_aspect > 2", [1]],
  ["_entropy > 6 AND _blur > 100", [1]],
  ["_language IN ('de', 'zh')", [2, 3]],
  ["contains(_question, 'colour') AND contains(_answer, 'red')", [8]],
  ["id < 3 OR _width IS NULL", [1, 2, 3, 4, 5, 6, 7]],
])("%s", async (where, ids) => {
  expect((await kept(where)).ids).toEqual(ids);
});

test("tokens are those of the model, pictures' among them; a row whose picture is missing has none", async () => {
  const model = { model: MODEL };
  const { ids } = await kept("_tokens = _picture_tokens + _answer_tokens OR _tokens IS NULL", model);
  expect(ids).toEqual([5, 6]);
  // Both pictures take the same number of tokens.
  const twice = "_picture_tokens = 2 * (SELECT 4) OR _pictures = 2 AND _picture_tokens > 0 AND _picture_tokens % 2 = 0";
  expect((await kept(twice, model)).ids).toContain(2);
  expect((await kept("_pictures = 0 AND _picture_tokens = 0 AND _tokens > 5", model)).ids).toEqual([3, 7]);
});

test("pictures are measured once: a later step, and a later run, take them from the file", async () => {
  const out = join(folder, "once");
  await kept("_blur > 0 AND id > 0", {}, out);
  const file = join(out, "measures", "pictures-1.jsonl");
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines.filter((line) => line.includes("fault"))).toHaveLength(1);
  // What is in the file is believed, and a line that a kill has cut is computed again.
  const changed = lines.map((line) => line.replace(/"blur":[^,}]+/, '"blur":12345'));
  await writeFile(file, `${changed.slice(0, 2).join("\n")}\n${changed[2]!.slice(0, 20)}`);
  const { ids } = await kept("_blur = 12345 OR _fault LIKE '%nothing%'", {}, out);
  expect(ids.length).toBeGreaterThan(0);
  expect((await readFile(file, "utf8")).trim().split("\n").length).toBe(4);
});

test("the model's own loss on the answer is kept by the content of rows, and is what training would start with", async () => {
  const out = join(folder, "losses");
  const { ids } = await kept("_loss > 0", { model: MODEL }, out);
  expect(ids).toEqual([1, 2, 3, 7, 8]);
  const name = (await readdir(join(out, "measures"))).find((file) => file.startsWith("losses-"))!;
  const text = await readFile(join(out, "measures", name), "utf8");
  const values = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { key: string; value: number });
  expect(values).toHaveLength(5);
  const { AnswerLosses, encodeSample, readSampleContext } = await import("../../src/train/index.ts");
  const losses = await AnswerLosses.open(MODEL, { threads: 1 });
  const row = JSON.parse((await readFile(join(folder, "rows.jsonl"), "utf8")).split("\n")[0]!);
  const sample = await encodeSample(await readSampleContext(MODEL), messagesOf(row, { folder }));
  expect(values.map(({ value }) => value)).toContainEqual(expect.closeTo(await losses.of(sample), 5));
  await losses.dispose();
  // Believed, not computed again.
  await writeFile(join(out, "measures", name), text.replace(/"value":[^}]+/g, '"value":77'));
  expect((await kept("_loss = 77", { model: MODEL }, out)).ids).toEqual(ids);
});

test("a judge's mark is asked for once, about the conversation and its pictures", async () => {
  const asked: { messages: { content: unknown }[] }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      asked.push(JSON.parse(body));
      const mark = body.includes("gray") ? "I would say 3." : "9";
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ choices: [{ message: { content: mark }, finish_reason: "stop" }], usage: {} }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    const judge = { judge: { url, model: "judge" } };
    const out = join(folder, "marks");
    expect((await kept("_mark >= 5", judge, out)).ids).toEqual([1, 2, 3, 7]);
    expect(asked).toHaveLength(5);
    expect(JSON.stringify(asked)).toContain("data:image/png;base64,");
    expect((await kept("_mark = 3", judge, out)).ids).toEqual([8]);
    expect(asked).toHaveLength(5);
  } finally {
    server.close();
  }
});

describe("is refused with the reason", () => {
  test.each([
    ["_tokens > 1", {}, /_tokens needs `model` in the pipeline/],
    ["_loss > 1", {}, /_loss needs `model`/],
    ["_mark > 1", {}, /_mark needs `judge`/],
    ["_mark > 1", { judge: { url: "http://127.0.0.1:9/v1", model: "j", key: "NO_SUCH_KEY" } }, /no NO_SUCH_KEY/],
    ["_tokens > 1", { model: "./none" }, /none/],
  ])("%s with %j", async (where, more, message) => {
    await expect(kept(where, more)).rejects.toThrow(message);
  });

  test("a column of the rows that has the name of a computed one", async () => {
    await writeFile(join(folder, "own.jsonl"), '{"_tokens":1}\n');
    const steps = [{ name: "f", filter: { from: "own.jsonl", where: "_tokens > 1" } }];
    await expect(runSteps(folder, steps, { model: MODEL })).rejects.toThrow(/have a column "_tokens" of their own/);
  });

  test("a file on S3 where DuckDB's extension cannot be had", async () => {
    const database = {
      run: async () => {
        throw new Error("IO Error: no network\nmore");
      },
    };
    await expect(openRemote(database as never, {})).rejects.toThrow(
      /extension httpfs, which cannot be installed here: IO Error: no network Copy the files/,
    );
  });

  test("nothing of keys of S3 that are in the environment is left out", async () => {
    const asked: string[] = [];
    const database = { run: async (sql: string) => void asked.push(sql) };
    await openRemote(database as never, {
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "it's",
      AWS_REGION: "eu",
      AWS_ENDPOINT_URL: "http://127.0.0.1:9000",
    });
    expect(asked).toEqual([
      "LOAD httpfs",
      "CREATE OR REPLACE SECRET s3 (TYPE s3, KEY_ID 'a', SECRET 'it''s', REGION 'eu', ENDPOINT '127.0.0.1:9000', USE_SSL false, URL_STYLE 'path')",
    ]);
  });
});

test.each([
  [["user", "assistant"], undefined],
  [["assistant", "user"], "begins with the assistant"],
  [["user", "user", "assistant"], "two turns of the user in a row"],
  [["user"], "no answer"],
  [["user", "assistant", "user"], "ends with the user"],
] as const)("turns of %j: %s", (roles, odd) => {
  expect(oddTurns(roles.map((role) => ({ role, content: "x" })))).toBe(odd);
});

/** @file Conversations from files: both common forms, both formats, and every way in which a row can be wrong. */

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetWriteFile } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ConversationFile,
  type DroppedRow,
  type FileSequencesOptions,
  readSampleContext,
  type SampleContext,
  type Sequence,
} from "../../src/train/index.ts";

const MODEL = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const IMAGES = join(MODEL, "images");
const LIMITS = { length: 120, images: 2, labels: 40 };
let context: SampleContext;
let folder: string;
beforeAll(async () => {
  context = await readSampleContext(MODEL);
  folder = await mkdtemp(join(tmpdir(), "flashvl-data-"));
});
afterAll(() => rm(folder, { recursive: true }));

const llava = (question: string, answer: string, image: unknown = "small.png") => ({
  image,
  conversations: [
    { from: "human", value: `<image>\n${question}` },
    { from: "gpt", value: answer },
  ],
});

let files = 0;
async function jsonl(rows: (object | string)[]): Promise<string> {
  const path = join(folder, `rows${files++}.jsonl`);
  await writeFile(path, rows.map((r) => (typeof r === "string" ? r : JSON.stringify(r))).join("\n"));
  return path;
}

const open = (file: string, more: Partial<FileSequencesOptions> = {}) =>
  ConversationFile.open(context, { file, images: IMAGES, seed: 1, limits: LIMITS, onBadRow: "stop", ...more });

async function sampleOf(row: object): Promise<Sequence> {
  const file = await open(await jsonl([row]));
  try {
    return (await file.sample(0))!;
  } finally {
    await file.close();
  }
}

const text = (s: Sequence) => context.tokenizer.decode(s.ids.filter((id) => id >= 0));
const trainedText = (s: Sequence) => context.tokenizer.decode(s.targets.map(([, id]) => id));
/** The sample with its pictures as digests: comparing millions of numbers one by one is slow. */
const digest = (s: Sequence | undefined) => ({
  ...s,
  pictures: s?.pictures.map((p) => `${p.length} ${createHash("sha1").update(p).digest("hex")}`),
});

describe("the same conversation gives the same sample in every form", () => {
  const messages = (content: unknown) => ({
    messages: [
      { role: "user", content },
      { role: "assistant", content: "12.5" },
    ],
  });
  const question = { type: "text", text: "How much?" };
  const forms: [string, () => Promise<object>][] = [
    [
      "OpenAI parts with an image_url path",
      async () => messages([{ type: "image_url", image_url: { url: "small.png" } }, question]),
    ],
    [
      "OpenAI parts with a data: URL",
      async () => {
        const bytes = await readFile(join(IMAGES, "small.png"));
        const url = `data:image/png;base64,${bytes.toString("base64")}`;
        return messages([{ type: "image_url", image_url: { url } }, question]);
      },
    ],
    ["OpenAI parts with an image path", async () => messages([{ type: "image", image: "small.png" }, question])],
    [
      "bare image parts and a list of images",
      async () => ({ ...messages([{ type: "image" }, question]), images: ["small.png"] }),
    ],
    [
      "messages with <image> and a list of images",
      async () => ({ ...messages("<image>How much?"), images: ["small.png"] }),
    ],
    ["a picture without a place", async () => ({ ...messages("How much?"), image: "small.png" })],
    ["a picture in a list", async () => llava("How much?", "12.5", ["small.png"])],
    ["an absolute path", async () => llava("How much?", "12.5", join(IMAGES, "small.png"))],
  ];
  test.each(forms)("%s", async (_, make) => {
    const expected = await sampleOf(llava("How much?", "12.5"));
    const found = await sampleOf(await make());
    expect(digest(found)).toEqual(digest(expected));
    expect(text(found)).toContain("How much?");
    expect(trainedText(found)).toBe("12.5\n");
    expect(found.pictures[0]!.length).toBe(3 * 128 * 128);
  });
});

test("every turn of the assistant is trained, and a system turn replaces the usual one", async () => {
  const s = await sampleOf({
    image: "gray.png",
    conversations: [
      { from: "system", value: "Be brief." },
      { from: "human", value: "What is it?\n<image>" },
      { from: "gpt", value: "A board." },
      { from: "human", value: "And now?" },
      { from: "gpt", value: "The same." },
    ],
  });
  expect(trainedText(s)).toBe("A board.\nThe same.\n");
  expect(text(s)).toContain("Be brief.");
  expect(text(s)).not.toContain("helpful");
});

test("several pictures stand where their places are", async () => {
  const two = await sampleOf({
    images: ["small.png", "gray.png"],
    conversations: [
      { from: "human", value: "First <image>\nthen <image>\nWhich?" },
      { from: "gpt", value: "The first." },
    ],
  });
  const one = await sampleOf(llava("x", "y", "gray.png"));
  expect(two.ids.filter((id) => id === -200).length).toBe(2);
  expect(digest(two).pictures![1]).toBe(digest(one).pictures![0]);
  expect(digest(two).pictures![0]).not.toBe(digest(one).pictures![0]);
});

test.each([
  ["conversations", llava("How much?", "12.5").conversations],
  [
    "messages",
    [
      { role: "user", content: [{ type: "image" }, { type: "text", text: "How much?" }] },
      { role: "assistant", content: [{ type: "text", text: "12.5" }] },
    ],
  ],
])("Parquet of %s with pictures as bytes gives the same samples as JSON Lines", async (name, turns) => {
  const bytes = new Uint8Array(await readFile(join(IMAGES, "small.png")));
  const path = join(folder, `${name}.parquet`);
  const row = llava("How much?", "12.5");
  await parquetWriteFile({
    filename: path,
    columnData: [
      { name: "image", data: [bytes, bytes], type: "BYTE_ARRAY" },
      { name, data: [turns, turns], type: "JSON" },
    ],
  });
  const file = await open(path);
  expect(file.length).toBe(2);
  expect(digest(await file.sample(1))).toEqual(digest(await sampleOf(row)));
  await file.close();
});

const long = "one two three four five six seven eight nine ten eleven twelve ".repeat(4);
const bad: [string, object | string, RegExp][] = [
  ["broken JSON", '{"image": ', /not JSON/],
  ["a missing picture", llava("q", "a", "absent.png"), /absent\.png/],
  ["a file that is no picture", llava("q", "a", "../config.json"), /config\.json|picture|image/],
  ["an unknown role", { conversations: [{ from: "robot", value: "q" }] }, /conversations\[0\]\.from is "robot"/],
  ["neither form", { text: "hello" }, /has keys text, expected "conversations" or "messages"/],
  ["a row that is no object", "[1]", /expected "conversations" or "messages"/],
  ["no answer", { messages: [{ role: "user", content: "q" }] }, /assistant/],
  ["an answer longer than the limit", llava("q", long), /the answers have \d+ tokens, more than the limit of 40/],
  ["more places than pictures", llava("<image> q", "a"), /more <image> places than the 1 pictures/],
  ["more pictures than places", llava("q", "a", ["small.png", "gray.png"]), /2 pictures but 1 <image> places/],
  [
    "a part of unknown type",
    { messages: [{ role: "user", content: [{ type: "audio" }] }] },
    /content\[0\]\.type is "audio"|messages\[0\]\[0\]\.type is "audio"/,
  ],
];

describe("a bad row names file and line, and stops or is skipped as asked", () => {
  test.each(bad)("%s", async (_, row, reason) => {
    const path = await jsonl([llava("q", "a"), "", row]);
    const stopping = await open(path);
    await expect(stopping.sample(1)).rejects.toThrow(reason);
    await expect(stopping.sample(1)).rejects.toThrow(`${path}:3: `);
    await stopping.close();
    const dropped: DroppedRow[] = [];
    const skipping = await open(path, { onBadRow: "skip", onDropped: (d) => dropped.push(d) });
    expect(await skipping.sample(1)).toBeUndefined();
    expect(await skipping.sample(1)).toBeUndefined();
    expect(await skipping.sample(0)).toBeDefined();
    expect(dropped).toMatchObject([{ place: `${path}:3`, kind: "bad" }]);
    await skipping.close();
  });
});

test("rows too long for a batch are left out whole, never cut, and counted", async () => {
  const path = await jsonl([
    llava(long, "a"),
    llava("q", "a"),
    llava("<image><image>q", "a", Array(3).fill("small.png")),
  ]);
  const file = await open(path);
  const first = file.sequences(0);
  const taken: Sequence[] = [];
  for await (const s of first) if (taken.push(s) === 6) break;
  expect(taken.filter((s) => s.ids.length > 0).length).toBe(2);
  for (const s of taken.filter((x) => x.ids.length))
    expect(s.ids.filter((id) => id < 0).length).toBe(s.pictures.length * context.imageTokens);
  expect(file.dropped.map((d) => [d.kind, d.place]).sort()).toEqual([
    ["too long", `${path}:1`],
    ["too long", `${path}:3`],
  ]);
  await file.close();
});

test("each epoch has every row once, in another order, and resumes at any place", async () => {
  const rows = Array.from({ length: 7 }, (_, i) => ({
    messages: [
      { role: "user", content: `${i}` },
      { role: "assistant", content: `${i}` },
    ],
  }));
  const path = await jsonl(rows);
  const take = async (start: number, n: number, seed = 1) => {
    const file = await open(path, { seed });
    const taken: string[] = [];
    for await (const s of file.sequences(start)) if (taken.push(trainedText(s).trim()) === n) break;
    await file.close();
    return taken;
  };
  const all = await take(0, 21);
  const epochs = [0, 7, 14].map((at) => all.slice(at, at + 7));
  for (const epoch of epochs) expect([...epoch].sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  expect(new Set(epochs.map((e) => e.join())).size).toBe(3);
  for (const start of [1, 6, 7, 13]) expect(await take(start, 8)).toEqual(all.slice(start, start + 8));
  expect(await take(0, 21, 2)).not.toEqual(all);
});

test("a file of which nothing can be used ends the run instead of turning forever", async () => {
  const file = await open(await jsonl(["{", "}"]), { onBadRow: "skip" });
  const drain = async () => {
    for await (const _ of file.sequences(0));
  };
  await expect(drain()).rejects.toThrow(/none of the 2 rows can be trained on.*not JSON/);
  await file.close();
});

test("empty files and unknown kinds are refused", async () => {
  await expect(open(await jsonl([""]))).rejects.toThrow(/has no rows/);
  await expect(open(join(folder, "rows.csv"))).rejects.toThrow(/end in \.jsonl or \.parquet, found "\.csv"/);
  await expect(open(join(folder, "absent.jsonl"))).rejects.toThrow(/absent\.jsonl/);
  const path = join(folder, "broken.parquet");
  await writeFile(path, "PAR1 but not really");
  await expect(open(path)).rejects.toThrow(/broken\.parquet is not Parquet that can be read/);
});

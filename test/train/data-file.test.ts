/** @file Conversations from files: both common forms, both formats, and every way in which a row can be wrong. */

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  ConversationFile.open(context, {
    files: [{ file, images: IMAGES }],
    seed: 1,
    limits: LIMITS,
    onBadRow: "stop",
    ...more,
  });

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
    ["a row of single columns", async () => ({ image: "small.png", question: "How much?", answer: "12.5" })],
    [
      "an image folder's metadata, a number for a label",
      async () => ({ file_name: "small.png", prompt: "How much?", label: 12.5 }),
    ],
    [
      "Alpaca's columns",
      async () => ({ images: ["small.png"], instruction: "How much?", input: "", output: "12.5", history: [] }),
    ],
    [
      "TRL's prompt and completion",
      async () => ({
        image: { bytes: null, path: "small.png" },
        prompt: [{ role: "user", content: "How much?" }],
        completion: [{ role: "assistant", content: "12.5" }],
        tools: null,
      }),
    ],
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

test("a column system is the system turn", async () => {
  const row = llava("How much?", "12.5");
  const column = await sampleOf({ ...row, system: "Be brief." });
  const turn = await sampleOf({
    ...row,
    conversations: [{ from: "system", value: "Be brief." }, ...row.conversations],
  });
  expect(digest(column)).toEqual(digest(turn));
  expect(text(column)).toContain("Be brief.");
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
  ["neither form", { text: "hello" }, /has keys text, expected "conversations" or "messages" .* data\.question/],
  ["a row that is no object", "[1]", /the row is \[1\], expected an object/],
  ["no answer", { messages: [{ role: "user", content: "q" }] }, /assistant/],
  [
    "a system turn twice",
    {
      ...llava("q", "a"),
      system: "S",
      conversations: [{ from: "system", value: "S" }, ...llava("q", "a").conversations],
    },
    /a system turn and a column "system"/,
  ],
  ["what the model does not take", { ...llava("q", "a"), videos: ["a.mp4"] }, /the row has videos .*does not take/],
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
  await expect(open(join(folder, "rows.txt"))).rejects.toThrow(/end in \.jsonl, .*\.tsv, found "\.txt"/);
  await expect(open(join(folder, "absent.jsonl"))).rejects.toThrow(/absent\.jsonl/);
  const path = join(folder, "broken.parquet");
  await writeFile(path, "PAR1 but not really");
  await expect(open(path)).rejects.toThrow(/broken\.parquet is not Parquet that can be read/);
});

describe("rows beyond the limits", () => {
  const open40 = async (more: Partial<FileSequencesOptions>) =>
    open(await jsonl([llava("q", long), llava("q", "a")]), more);

  test("of too many trained tokens are left out, naming the key to change", async () => {
    const file = await open40({ limits: { ...LIMITS, length: 400 } });
    expect(await file.sample(0)).toBeUndefined();
    expect(file.dropped[0]!.reason).toMatch(
      /the answers have \d+ tokens, more than 40; raise batch\.labels, or set onTooLong: cut/,
    );
    await file.close();
  });

  test("stop the run where that is asked for", async () => {
    const file = await open40({ onTooLong: "stop", limits: { ...LIMITS, length: 400 } });
    await expect(file.sample(0)).rejects.toThrow(/rows\d+\.jsonl:1: the answers have/);
    await file.close();
  });

  test("are cut where that is asked for: the beginning stays, and no picture is cut", async () => {
    const whole = await open40({ limits: { length: 400, images: 2, labels: 400 } });
    const full = (await whole.sample(0))!;
    for (const limits of [
      { ...LIMITS, length: 400 },
      { ...LIMITS, length: 60, labels: 400 },
    ]) {
      const file = await open40({ onTooLong: "cut", limits });
      const cut = (await file.sample(0))!;
      expect(cut.ids).toEqual(full.ids.slice(0, cut.ids.length));
      expect(cut.ids.length).toBeLessThanOrEqual(limits.length);
      expect(cut.targets).toEqual(full.targets.slice(0, cut.targets.length));
      expect(cut.targets.length).toBe(limits.labels === 40 ? 40 : cut.targets.length);
      expect(cut.targets.at(-1)![0] + 1).toBe(cut.ids.length - 1);
      expect(cut.pictures).toHaveLength(1);
      await file.close();
    }
    const within = await open40({ onTooLong: "cut", limits: { ...LIMITS, length: 20 } });
    expect(await within.sample(0)).toBeUndefined();
    await within.close();
    await whole.close();
  });

  test("have the sizes that they would need", async () => {
    const file = await open(await jsonl([llava("q", long), "{", llava("q", "a", ["small.png"])]), { onBadRow: "skip" });
    const sizes = await file.sizes(10);
    expect(sizes).toHaveLength(2);
    expect(sizes[0]!.labels).toBeGreaterThan(40);
    expect(sizes[1]).toMatchObject({ images: 1 });
    expect(file.dropped).toEqual([]);
    await file.close();
  });
});

describe("several files", () => {
  const say = (word: string) => ({ question: "q", answer: word });
  const epoch = async (files: FileSequencesOptions["files"], number = 0, question?: string) => {
    const file = await open("", { files, question });
    const taken: string[] = [];
    const end = file.length * (number + 1);
    for await (const s of file.sequences(file.length * number))
      if (taken.push(trainedText(s).trim()) + file.length * number === end) break;
    await file.close();
    return taken;
  };

  test("are visited by their weights, and each epoch takes another part of what is left of one", async () => {
    const [a, b] = [await jsonl(["1", "2", "3", "4"].map(say)), await jsonl(["8", "9"].map(say))];
    const files = [
      { file: a, weight: 0.5 },
      { file: b, weight: 2 },
    ];
    const epochs = await Promise.all([0, 1, 2, 3, 4, 5].map((number) => epoch(files, number)));
    for (const one of epochs) {
      expect([...one].filter((word) => word > "7").sort()).toEqual(["8", "8", "9", "9"]);
      expect(new Set(one.filter((word) => word < "7")).size).toBe(2);
    }
    expect(new Set(epochs.flat()).size).toBe(6);
    expect(await epoch(files, 3)).toEqual(epochs[3]);
    await expect(open("", { files: [{ file: a, weight: 0.01 }] })).rejects.toThrow(/no row is used; raise the weight/);
  });

  test("are one by a pattern or a folder, whose split for training is taken and others never", async () => {
    const set = join(folder, "set");
    await mkdir(join(set, "data"), { recursive: true });
    const write = (name: string, words: string[]) =>
      writeFile(join(set, name), words.map((word) => JSON.stringify(say(word))).join("\n"));
    await write("data/train-0.jsonl", ["a", "b"]);
    await write("data/train-1.jsonl", ["c"]);
    await write("data/test-0.jsonl", ["z"]);
    await writeFile(join(set, "dataset_info.json"), "{}");
    for (const file of [join(set, "data/train-*.jsonl"), join(set, "**/train-?.jsonl"), set])
      expect((await epoch([{ file }])).sort(), file).toEqual(["a", "b", "c"]);
    await rm(join(set, "data"), { recursive: true });
    await expect(epoch([{ file: set }])).rejects.toThrow(/holds no data files/);
    await write("validation.jsonl", ["z"]);
    await write("rest.jsonl", ["y"]);
    expect(await epoch([{ file: set }])).toEqual(["y"]);
    await expect(epoch([{ file: join(set, "*.parquet") }])).rejects.toThrow(/No file is named/);
    await writeFile(join(set, "data.arrow"), "");
    await rm(join(set, "validation.jsonl"));
    await rm(join(set, "rest.jsonl"));
    await expect(epoch([{ file: set }])).rejects.toThrow(/Arrow files.*Write Parquet/);
  });

  test("a table of labels beside pictures needs no more than a question", async () => {
    const set = join(folder, "labels");
    await mkdir(set);
    await writeFile(join(set, "a.png"), await readFile(join(IMAGES, "small.png")));
    await writeFile(
      join(set, "metadata.csv"),
      '\uFEFFfile_name,label\r\na.png,"one, ""two"""\na.png,\r\n\na.png,three\n',
    );
    const file = await open("", { files: [{ file: set }], question: "What?", onBadRow: "skip" });
    expect(file.rows).toBe(3);
    expect(trainedText((await file.sample(0))!)).toBe('one, "two"\n');
    expect((await file.sample(0))!.pictures).toHaveLength(1);
    expect(await file.sample(1)).toBeUndefined();
    expect(file.dropped[0]).toMatchObject({
      place: `${join(set, "metadata.csv")}:3`,
      reason: expect.stringContaining("assistant"),
    });
    expect(trainedText((await file.sample(2))!)).toBe("three\n");
    await file.close();
    await writeFile(join(set, "metadata.csv"), 'a,b\n"x,1\n');
    await expect(open(join(set, "metadata.csv"))).rejects.toThrow(
      /metadata\.csv, line 2: a quote is opened and never closed/,
    );
  });

  test("an array in JSON is rows, anything else is refused", async () => {
    const path = join(folder, "array.json");
    await writeFile(path, JSON.stringify(["a", "b"].map(say)));
    expect((await epoch([{ file: path }])).sort()).toEqual(["a", "b"]);
    await writeFile(path, JSON.stringify({ data: [] }));
    await expect(epoch([{ file: path }])).rejects.toThrow(/holds a value of type object, expected an array of rows/);
  });
});

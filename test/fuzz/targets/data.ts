/** @file Targets: pictures, data files of every format, predictions, and the literals of Python. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { readPredictions } from "../../../src/eval/answer/predictions.ts";
import { loadImage } from "../../../src/processor/index.ts";
import { openRows } from "../../../src/train/data/rows/open-rows.ts";
import { openSource, PythonError } from "../../../src/vlmeval/index.ts";
import { evaluatePython } from "../../../src/vlmeval/maths/python-expression.ts";
import { parseLooseJson } from "../../../src/vlmeval/python/json.ts";
import { parsePyLiteral } from "../../../src/vlmeval/python/literal.ts";
import { type OpenTarget, type Target, texts } from "../target.ts";

const file = (path: string): Promise<Buffer> => readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)));

/** Pictures of every format, by what their header says. */
export const pictures: OpenTarget = async () => {
  const noise = Buffer.from(Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 73) % 251));
  const drawn = sharp(noise, { raw: { width: 24, height: 16, channels: 3 } });
  const encoded = [
    drawn.clone().png(),
    drawn.clone().jpeg(),
    drawn.clone().webp(),
    drawn.clone().gif(),
    drawn.clone().tiff(),
  ];
  const bmp = Buffer.alloc(54 + 24 * 16 * 3);
  bmp.write("BM");
  for (const [at, value] of [
    [2, bmp.length],
    [10, 54],
    [14, 40],
    [18, 24],
    [22, 16],
    [34, 24 * 16 * 3],
  ] as const)
    bmp.writeUInt32LE(value, at);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  return {
    corpus: [...(await Promise.all(encoded.map((one) => one.toBuffer()))), bmp],
    async run(input) {
      await loadImage(input, { maxPixels: 1_000_000, maxBytes: 1 << 20 });
    },
  };
};

const TSV = [
  'index\tquestion\tanswer\timage\n1\tWhat?\tx\tAAAA\n2\t"a\nb"\ty\t1\n',
  'index\tquestion\n1\t"open\n2\tx\n',
];
const JSONL = [
  '{"index":1,"question":"Q","answer":"a","image":"AAAA"}\n{"index":2,"question":null}\n',
  '{"messages":[{"role":"user","content":"a"}]}\n',
];

/** A data file as a benchmark and as training data: every row of both. */
function dataFile(name: string, corpus: readonly Uint8Array[], slow = false): OpenTarget {
  return async (folder): Promise<Target> => {
    const path = join(folder, name);
    return {
      corpus,
      slow,
      async run(input) {
        await writeFile(path, input);
        const failures: unknown[] = [];
        await readBenchmark(path).catch((error: unknown) => failures.push(error));
        await readTraining(path).catch((error: unknown) => failures.push(error));
        if (failures.length > 0) throw failures[0];
      },
    };
  };
}

async function readBenchmark(path: string): Promise<void> {
  const source = await openSource(path);
  try {
    for (let row = 0; row < Math.min(source.length, 20); row++) {
      source.cells(row);
      if (source.imageLength(row) > 0) await source.imageCell(row);
    }
  } finally {
    source.close();
  }
}

async function readTraining(path: string): Promise<void> {
  const rows = await openRows(path);
  try {
    for (let row = 0; row < Math.min(rows.length, 20); row++) await rows.row(row);
  } finally {
    await rows.close();
  }
}

const PARQUET = ["lz4", "hang", "unhandled", "rows-8m"];
export const parquet: OpenTarget = async (folder) =>
  dataFile(
    "fuzz.parquet",
    [
      await file("eval/rows.parquet"),
      ...(await Promise.all(PARQUET.map((name) => file(`tables/cases/${name}.parquet`)))),
    ],
    true,
  )(folder);
export const tsv: OpenTarget = dataFile("fuzz.tsv", texts(...TSV));
export const jsonl: OpenTarget = dataFile("fuzz.jsonl", texts(...JSONL));
export const csv: OpenTarget = async (folder) => {
  const path = join(folder, "fuzz.csv");
  return {
    corpus: texts('question,answer,image\n"a ""b""",1,x.png\nc,"d\ne",\n'),
    async run(input) {
      await writeFile(path, input);
      await readTraining(path);
    },
  };
};

/** Workbooks of predictions. */
export const workbook: OpenTarget = async (folder) => {
  const path = join(folder, "fuzz.xlsx");
  const { default: write } = await import("write-excel-file/node");
  await write([
    [{ value: "index" }, { value: "prediction" }],
    [{ value: 1 }, { value: "x" }],
  ] as never).toFile(path);
  const whole = await readFile(path);
  return {
    corpus: [whole, await file("tables/cases/damaged.xlsx")],
    slow: true,
    async run(input) {
      await writeFile(path, input);
      await readPredictions(path);
    },
  };
};

/** Predictions as JSON. */
export const predictions: OpenTarget = async (folder) => {
  const path = join(folder, "fuzz.json");
  return {
    corpus: texts('[{"index":1,"prediction":"a"},{"index":"2","prediction":null}]'),
    json: true,
    async run(input) {
      await writeFile(path, input);
      await readPredictions(path);
    },
  };
};

/** What answers hold that Python would read: literals, loose JSON and expressions. */
export const python: OpenTarget = async () => ({
  corpus: texts(
    "['a', 1, {'b': None}]",
    '{"a": [1, 2.5e3, "\\u00e9"]}',
    "abs(-3) ** 2 // 1 <= 2 and True",
    "(1 + 2) * 0x1F % 7",
    "{'x': ('y',), 2: b'z'}",
  ),
  async run(input) {
    const text = new TextDecoder().decode(input);
    for (const read of [parsePyLiteral, parseLooseJson, (one: string) => evaluatePython(one)]) {
      try {
        read(text);
      } catch (error) {
        if (!(error instanceof PythonError))
          throw new Error(`${(error as Error).name} is not defined as an answer of Python`, { cause: error });
      }
    }
  },
});

/** @file What a model says of rows: its own loss on the answer, and a judge's mark. Costly, so each is kept by the row's content. */

import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mapConcurrent } from "../../common/index.ts";
import { openAiAnswerer } from "../../eval/index.ts";
import { AnswerLosses, encodeSample, readSampleContext } from "../../train/index.ts";
import { DataError } from "../data-error.ts";
import type { Relation } from "../relation.ts";
import { mendLastLine } from "./picture-store.ts";
import { messagesOf, picturesOf, textOf } from "./read-row.ts";
import { numberedRows, type Workshop } from "./read-rows.ts";

type Messages = ReturnType<typeof messagesOf>;

/** Values by the content of rows, in a file that goes on where it was stopped. */
class Opinions {
  readonly #path: string;
  readonly #known: Map<string, number>;

  private constructor(path: string, known: Map<string, number>) {
    this.#path = path;
    this.#known = known;
  }

  static async open(path: string): Promise<Opinions> {
    await mendLastLine(path);
    const known = new Map<string, number>();
    for (const line of (await readFile(path, "utf8")).split("\n")) {
      const [, key, value] = /^\{"key":"([0-9a-f]+)","value":(-?[\d.e+-]+)\}$/.exec(line) ?? [];
      if (key) known.set(key, Number(value)); // what a kill has cut is asked again
    }
    return new Opinions(path, known);
  }

  get(key: string): number | undefined {
    return this.#known.get(key);
  }

  add(key: string, value: number): void {
    this.#known.set(key, value);
    appendFileSync(this.#path, `${JSON.stringify({ key, value })}\n`);
  }
}

/** Asks about every row whose value is not known, and fills the table `(_row, value)`. Rows that cannot be read have none. */
async function fillTable(
  workshop: Workshop,
  relation: Relation,
  table: string,
  {
    file,
    width,
    ask,
  }: { readonly file: string; readonly width: number; ask(messages: Messages): Promise<number | undefined> },
): Promise<void> {
  const { database, pictures, settings, signal } = workshop;
  const opinions = await Opinions.open(join(workshop.cache, file));
  const values = await database.createTable(table, { _row: "UINTEGER", value: "DOUBLE" });
  const each = async function* () {
    for await (const batch of numberedRows(workshop, relation)) yield* batch;
  };
  const opinionOn = async (row: unknown): Promise<number | undefined> => {
    let messages: Messages;
    try {
      messages = messagesOf(typeof row === "string" ? JSON.parse(row) : row, { folder: settings.images, ...settings });
    } catch {
      return undefined;
    }
    const hash = createHash("sha256").update(JSON.stringify(messages.map((turn) => [turn.role, textOf(turn)])));
    for (const picture of picturesOf(messages)) {
      const found = await pictures.keyOf(picture);
      if ("fault" in found) return undefined;
      hash.update(String(found.key));
    }
    const key = hash.digest("hex").slice(0, 32);
    const known = opinions.get(key);
    if (known !== undefined) return known;
    const value = await ask(messages);
    if (value !== undefined) opinions.add(key, value);
    return value;
  };
  const asked = mapConcurrent(each(), width, async ([row, content]) => [row, await opinionOn(content)] as const);
  for await (const [row, value] of asked) {
    signal?.throwIfAborted();
    values.write([row, value]);
  }
  values.close();
}

/** The table `(_row, value)` of the model's mean loss on each row's answers. */
export async function measureLosses(workshop: Workshop, relation: Relation, table: string): Promise<void> {
  const model = workshop.settings.model!;
  const [context, losses] = [await readSampleContext(model), await AnswerLosses.open(model, workshop.settings)];
  try {
    let turn: Promise<unknown> = Promise.resolve();
    await fillTable(workshop, relation, table, {
      file: `losses-${losses.identity.slice(0, 16)}.jsonl`,
      // The next row is made ready while the model has one.
      width: 2,
      async ask(messages) {
        const sample = await encodeSample(context, messages).catch(() => undefined);
        if (!sample) return undefined;
        const loss = turn
          .then(() => losses.of(sample))
          .catch((error) => {
            if (error instanceof RangeError) return undefined;
            throw error;
          });
        turn = loss.catch(() => {});
        return loss;
      },
    });
  } finally {
    await losses.dispose();
  }
}

const PROMPT =
  "You judge how well an assistant answered a question about the picture. Reply with one whole number from 1 (wrong or useless) to 10 (right, complete and clear), and nothing else.";

/** The table `(_row, value)` of the marks that a judge gives each row's last answer. @throws DataError where the judge fails */
export async function markAnswers(workshop: Workshop, relation: Relation, table: string): Promise<void> {
  const { url, model, prompt = PROMPT, key, concurrency } = workshop.settings.judge!;
  const apiKey = key === undefined ? undefined : process.env[key];
  if (key !== undefined && apiKey === undefined)
    throw new DataError(`the environment has no ${key}, which the judge's key is in.`);
  const judge = openAiAnswerer({ baseUrl: url, model, apiKey, concurrency: 1, maxNewTokens: 16 });
  const identity = createHash("sha256")
    .update(JSON.stringify([url, model, prompt]))
    .digest("hex");
  await fillTable(workshop, relation, table, {
    file: `marks-${identity.slice(0, 16)}.jsonl`,
    width: concurrency,
    async ask(messages) {
      const spoken = messages.map((turn) => `${turn.role}: ${textOf(turn)}`).join("\n");
      const content = `${prompt}\n\n${spoken}`;
      const question = { key: "row", images: picturesOf(messages), messages: [{ role: "user" as const, content }] };
      const one = async function* () {
        yield question;
      };
      for await (const { text, error } of judge.answer(one(), { signal: workshop.signal })) {
        if (error !== undefined) throw new DataError(`the judge at ${url} failed: ${error}`);
        const mark = /-?\d+(?:\.\d+)?/.exec(text)?.[0];
        return mark === undefined ? undefined : Number(mark);
      }
      return undefined;
    },
  });
}

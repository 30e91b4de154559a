// Training samples repeat and resume; the market as a task asks the same fixed questions every time.

import { expect, test } from "vitest";
import { type MarketRow, marketSamples, marketTask, seedRanges } from "../market/index.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const inTraining = ({ seed }: { seed: number }) =>
  seed >= seedRanges.train.first && seed < seedRanges.train.first + seedRanges.train.count;

test("a run that resumes at an index goes on with the samples of a run that never stopped", async () => {
  const run = { stage: "chat", seed: 4, workers: 0 } as const;
  const whole = await collect(marketSamples({ ...run, from: 0, to: 3 }));
  const rest = await collect(marketSamples({ ...run, from: 2, to: 3 }));
  expect(rest).toEqual(whole.slice(2));
  expect(whole.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(whole.every(inTraining)).toBe(true);
  const other = await collect(marketSamples({ ...run, seed: 5, from: 0, to: 1 }));
  expect(other[0]!.seed).not.toBe(whole[0]!.seed);
});

test("a conversation shows the picture once, in its first turn, and alternates questions and answers", async () => {
  const samples = await collect(
    marketSamples({ stage: "chat", seed: 6, from: 0, to: 4, questionsPerPicture: 3, workers: 0 }),
  );
  for (const { conversation, questions, image, board } of samples) {
    expect(questions.length).toBeGreaterThan(board.scene === "board" ? 2 : 0);
    expect(conversation).toHaveLength(questions.length * 2);
    expect(conversation[0]!.content).toEqual([
      { type: "image", image },
      { type: "text", text: questions[0]!.question },
    ]);
    conversation.slice(1).forEach(({ role, content }, i) => {
      expect(role).toBe(i % 2 === 0 ? "assistant" : "user");
      const question = questions[Math.floor((i + 1) / 2)]!;
      expect(content).toBe(i % 2 === 0 ? question.answer : question.question);
    });
  }
});

test("each stage brings what it teaches", async () => {
  const first = async (stage: "see" | "describe") =>
    (await collect(marketSamples({ stage, seed: 7, from: 0, to: 1, workers: 0 })))[0]!;
  const see = await first("see");
  expect(see.conversation).toEqual([]);
  expect(see.patchLabels).toHaveLength(16 * 16 * 3);
  const described = await first("describe");
  expect(described.questions.map(({ family }) => family)).toEqual([6, 6]);
  expect(new Set(described.questions.map(({ language }) => language))).toEqual(new Set(["zh", "en"]));
});

test("a bad index range is refused", async () => {
  await expect(collect(marketSamples({ stage: "see", seed: 1, from: 3, to: 2 }))).rejects.toThrow(/index range/);
  await expect(collect(marketSamples({ stage: "see", seed: 1, from: -1, to: 2 }))).rejects.toThrow(/index range/);
});

test("the task repeats its rows, keeps to its split, and scores the right answer as right", async () => {
  const options = { split: "test", pictures: 3, workers: 0 } as const;
  const task = marketTask(options);
  const rows = await collect(task.rows());
  const bare = (row: MarketRow) => ({ ...row, image: row.image.data.length });
  expect((await collect(marketTask(options).rows())).map(bare)).toEqual(rows.map(bare));
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  expect(rows.some(inTraining)).toBe(false);
  for (const row of rows) {
    expect((await task.score(row, row.answer)).correct).toBe(true);
    const { images, messages } = task.prompt(row);
    expect(images).toEqual([row.image]);
    expect(messages).toEqual([{ role: "user", content: row.question }]);
  }
});

test("a blind task asks the same questions without the picture", async () => {
  const options = { pictures: 2, families: [1, 2], workers: 0 } as const;
  const [seeing, blind] = [marketTask(options), marketTask({ ...options, blind: true })];
  const [rows, blindRows] = [await collect(seeing.rows()), await collect(blind.rows())];
  expect(blindRows.map(({ question }) => question)).toEqual(rows.map(({ question }) => question));
  expect(blind.prompt(blindRows[0]!).images).toEqual([]);
  expect(blind.name).not.toBe(seeing.name);
});

test("a task refuses seeds of another split before anything is drawn", () => {
  expect(() => marketTask({ split: "test", seeds: [5] })).toThrow(/does not belong to split "test"/);
});

// A user's task: sums without pictures; as default export, and harder ones under a name of their own.

import type { Task } from "../../src/tasks/index.ts";

interface Sum {
  readonly id: string;
  readonly category: string;
  readonly question: string;
  readonly sum: number;
}

const sums = (name: string, count: number, step: number): Task<Sum> => ({
  name,
  async *rows() {
    for (let i = 0; i < count; i++)
      yield { id: `${i}`, category: i % 2 ? "odd" : "even", question: `${i} + ${step}`, sum: i + step };
  },
  prompt: ({ question }) => ({ images: [], messages: [{ role: "user", content: question }] }),
  score: ({ sum }, answer) => {
    const correct = answer.trim() === String(sum);
    return { correct, value: Number(correct), detail: `${answer} for ${sum}` };
  },
});

export default sums("sums", 4, 10);
/** Made only when it is asked for. */
export const hard = async () => sums("sums/hard", 2, 1000);
export const limit = 3;

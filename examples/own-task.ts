/** @file A benchmark of one's own in one object: data, prompt, score. `npx flashvl eval examples/own-task.ts` */
import type { Task } from "flashvl/tasks";

interface Row {
  id: string;
  /** The report also gives the score of each category. */
  category: string;
  question: string;
  price: string;
}
const board = new URL("board.png", import.meta.url).pathname;
const prices = {
  lime: "4.90",
  "snow pea": "7.98",
  watermelon: "9.90",
  grape: "6.80",
  garlic: "8.98",
  strawberry: "5.80",
};

const task: Task<Row> = {
  name: "board-prices",
  async *rows() {
    for (const [name, price] of Object.entries(prices)) {
      yield { id: `en-${name}`, category: "asked kindly", question: `How much is the ${name}?`, price };
      yield { id: `short-${name}`, category: "asked shortly", question: `Price of ${name}?`, price };
    }
  },
  prompt: ({ question }) => ({ images: [board], messages: [{ role: "user", content: question }] }),
  // The same object can reward reinforcement learning: a source of `flashvl train grpo` returns it as its task.
  score({ price }, answer) {
    const correct = answer.includes(price);
    return { correct, value: Number(correct), detail: `${answer}, expected ${price}` };
  },
};
export default task;

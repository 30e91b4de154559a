/** @file Prompts and pictures for judging precisions where the user brings none: drawn by formulas, so always the same. */
import type { ImageInput, Message, RgbImage } from "../../processor/index.ts";

/** A question, with or without a picture. */
export interface AccuracyPrompt {
  image: ImageInput | null;
  messages: readonly Message[];
}

const SIZE = 256;

function drawn(colour: (x: number, y: number) => readonly [number, number, number]): RgbImage {
  const data = new Uint8Array(SIZE * SIZE * 3);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) data.set(colour(x / SIZE, y / SIZE), (y * SIZE + x) * 3);
  return { data, width: SIZE, height: SIZE };
}

const sky = () => drawn((x, y) => [255 * y, 120 + 100 * x, 255 * (1 - y)]);
const tiles = () => drawn((x, y) => ((Math.floor(8 * x) + Math.floor(8 * y)) % 2 ? [240, 240, 230] : [30, 40, 60]));
const disc = () => drawn((x, y) => (Math.hypot(x - 0.5, y - 0.4) < 0.25 ? [220, 40, 40] : [250, 250, 250]));
const waves = () => drawn((x, y) => [128 + 127 * Math.sin(40 * x * y), 128 + 127 * Math.sin(30 * x), 90]);

const ask = (image: RgbImage | null, content: string): AccuracyPrompt => ({
  image,
  messages: [{ role: "user", content }],
});

/** Eight questions: four about pictures, four in words; English, Chinese, numbers and code. */
export const samplePrompts = (): AccuracyPrompt[] => [
  ask(sky(), "Describe this picture in one sentence."),
  ask(tiles(), "How many rows are there?"),
  ask(disc(), "图中有什么？"),
  ask(waves(), "Is there any text in the picture? Answer yes or no."),
  ask(null, "What is the capital of France, and what is it known for?"),
  ask(null, "17 + 25 = ? Think step by step."),
  ask(null, "用一句话解释什么是光合作用。"),
  ask(null, "Write a TypeScript function that returns the larger of two numbers."),
];

// Without the drawing packages only drawing fails, and says what to install.

import { expect, test, vi } from "vitest";

vi.mock("@napi-rs/canvas", () => {
  throw new Error("Cannot find package '@napi-rs/canvas'");
});

test("questions and scores work without the canvas package, and drawing names it", async () => {
  const { askAbout, drawBoard, sampleBoard, scoreAnswer } = await import("./index.ts");
  const [question] = askAbout(sampleBoard(1, { scene: "board" }), 1, { families: [1], count: 1 });
  expect(scoreAnswer(question!.gold, question!.answer).correct).toBe(true);
  await expect(drawBoard(1)).rejects.toThrow(/@napi-rs\/canvas, which is not installed\. Run npm install/);
});

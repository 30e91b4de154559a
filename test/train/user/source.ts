// A user's source of data: colours to name. Sample n asks about colour n, whatever was asked before.

import { encodePair, encodeSample, type OpenSource } from "flashvl/train";
import { z } from "zod";

const options = z.strictObject({
  colours: z.array(z.string()).min(2),
});

const RGB: Record<string, readonly number[]> = { red: [220, 30, 30], green: [30, 200, 40], blue: [30, 40, 210] };
const SIDE = 24;

function picture(colour: string, shade: number) {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) data[i] = RGB[colour]![i % 3]! + (shade % 20);
  return { width: SIDE, height: SIDE, data };
}

const QUESTION = "Which colour?";
/** Numbers that training never reaches. */
const HELD_OUT = 1_000_000;

const open: OpenSource = (given, context) => {
  const { colours } = options.parse(given);
  const colourOf = (n: number) => n % colours.length;
  const image = (n: number) => picture(colours[colourOf(n)]!, n);
  async function* samples(start: number) {
    for (let n = start; ; n++) {
      const sample = await encodeSample(context, [
        {
          role: "user",
          content: [
            { type: "image", image: image(n) },
            { type: "text", text: QUESTION },
          ],
        },
        { role: "assistant", content: colours[colourOf(n)]! },
      ]);
      yield { ...sample, extras: { colour: colourOf(n) } };
    }
  }
  async function* rows(start: number) {
    for (let n = start; ; n++) yield { id: String(n), image: image(n), colour: colours[colourOf(n)]! };
  }
  async function* pairs(start: number) {
    for (let n = start; ; n++) {
      const prompt = [
        {
          role: "user" as const,
          content: [
            { type: "image" as const, image: image(n) },
            { type: "text" as const, text: QUESTION },
          ],
        },
      ];
      const [chosen, rejected] = [colours[colourOf(n)]!, colours[colourOf(n + 1)]!];
      yield encodePair(context, { prompt, chosen, rejected });
    }
  }
  return {
    dpo: { pairs, heldOut: () => pairs(HELD_OUT) },
    sft: { samples, heldOut: () => samples(HELD_OUT) },
    grpo: {
      task: {
        name: "colours",
        rows: () => rows(0),
        prompt: ({ image: shown }) => ({ images: [shown], messages: [{ role: "user", content: QUESTION }] }),
        score: ({ colour }, answer) => {
          const value = answer.includes(colour) ? 1 : 0;
          return { correct: value === 1, value, detail: `${answer} for ${colour}` };
        },
      },
      rows,
      heldOut: () => rows(HELD_OUT),
    },
  };
};
export default open;

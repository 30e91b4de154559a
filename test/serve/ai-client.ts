/** @file The `ai` package, of the version whose path it is given, asks a checkpoint about a photo and prints what it got as JSON; a program of its own, since version 7 needs a newer Node. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { flashvl } from "../../src/ai-sdk/index.ts";
import { FlashVL } from "../../src/node/index.ts";

/** What the program prints, and what it is given besides the checkpoint's folder and the cache's. */
export interface AiClientReport {
  node: string;
  generated: { text: string; finishReason: string; inputTokens?: number; outputTokens?: number };
  streamed: { text: string; pieces: number; finishReason: string };
  object: unknown;
}

const [path, checkpoint, cacheDir, question, schema] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const { generateText, jsonSchema, Output, streamText } = (await import(path)) as typeof import("ai");
const photo = readFileSync(join(checkpoint, "images/photo.jpg"));
const model = await FlashVL.fromPretrained(checkpoint, { cacheDir });
const request = {
  model: flashvl(model, "tiny"),
  messages: [
    {
      role: "user" as const,
      content: [
        { type: "file" as const, mediaType: "image/jpeg", data: photo },
        { type: "text" as const, text: question },
      ],
    },
  ],
};
try {
  const generated = await generateText({ ...request, maxOutputTokens: 10 });
  const streamed = streamText({ ...request, maxOutputTokens: 10 });
  const pieces: string[] = [];
  for await (const piece of streamed.textStream) pieces.push(piece);
  const { output } = await generateText({
    ...request,
    maxOutputTokens: 400,
    temperature: 1,
    seed: 2,
    output: Output.object({ schema: jsonSchema(JSON.parse(schema)) }),
  });
  const { inputTokens, outputTokens } = generated.usage;
  const report: AiClientReport = {
    node: process.version,
    generated: { text: generated.text, finishReason: generated.finishReason, inputTokens, outputTokens },
    streamed: { text: pieces.join(""), pieces: pieces.length, finishReason: await streamed.finishReason },
    object: output,
  };
  console.log(JSON.stringify(report));
} finally {
  await model.dispose();
}

/** @file `flashvl chat IMAGE [QUESTION]`: one streamed answer, or a conversation when there is no question. */
import { relative } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import type { FlashVL } from "../../node/index.ts";
import type { ImageInput } from "../../processor/index.ts";
import { Conversation } from "../chat/conversation.ts";
import { addGenerateFlags, type GenerateFlags, generateOptions } from "../chat/generate-flags.ts";
import { chatInteractively } from "../chat/interactive.ts";
import { answerLines } from "../chat/stats-lines.ts";
import { UsageError } from "../fail.ts";
import { addEngineOptions, openEngine, type RunOptions } from "../open-engine.ts";
import { addHubOptions, type CommonOptions } from "../shared-options.ts";
import { answerWriter } from "../terminal/answer-writer.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson } from "../terminal/stdout.ts";

interface Options extends RunOptions, GenerateFlags, CommonOptions {
  /** False with --no-image. */
  image: boolean;
  stats?: boolean;
  raw?: boolean;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("chat")
    .description("ask about a picture; without a question, talk about it")
    .argument("[image]", "path or URL of the picture, - for stdin")
    .argument("[question]", "one question; without it a conversation begins")
    .option("--no-image", "no picture: the first argument is the question")
    .option("--raw", "leave the model's working in the answer, as it was written")
    .option("--stats", "print tokens and times to stderr after the answer")
    .addHelpText(
      "after",
      '\nExamples:\n  flashvl chat board.png "What does a kilo of carrots cost?"\n  flashvl chat board.png\n  flashvl chat --no-image "Hello"',
    )
    .action((first: string | undefined, second: string | undefined, options: Options) => chat(first, second, options));
  addHubOptions(addGenerateFlags(addEngineOptions(command)));
}

async function chat(first: string | undefined, second: string | undefined, options: Options): Promise<void> {
  if (!options.image && second !== undefined)
    throw new UsageError("With --no-image there is one argument, the question.");
  if (options.image && first === undefined) throw new UsageError(await explanation());
  const question = options.image ? second : first;
  const source = options.image ? first : undefined;
  if (question === undefined && options.json)
    throw new UsageError("--json answers one question; give it as the last argument.");
  if (question === undefined && source === "-")
    throw new UsageError("A picture from stdin needs a question as the last argument.");

  const { model, picture } = await withInterrupt(async (signal) => {
    // The picture first: a wrong path is noticed before a model is downloaded.
    const loaded = source === undefined ? undefined : await loadPicture(source);
    return { picture: loaded, model: await openEngine(options, signal) };
  });
  try {
    const conversation = new Conversation(model, generateOptions(options), options.raw);
    if (picture !== undefined) conversation.show(picture);
    if (question === undefined) await talk(conversation, model, options);
    else await withInterrupt((signal) => answerOnce(conversation, model, question, options, signal));
  } finally {
    await model.dispose();
  }
}

/** What `flashvl chat` alone says, with a command that works as it stands. */
async function explanation(): Promise<string> {
  const { exampleBoard } = await import("../../node/index.ts");
  const board = relative(process.cwd(), exampleBoard());
  return [
    'Which picture? flashvl chat IMAGE "QUESTION" asks once, flashvl chat IMAGE begins a conversation; --no-image goes without.',
    `Try it: flashvl chat ${/^[\w./-]+$/.test(board) ? board : JSON.stringify(board)} "What is in row 1, column 2, and what does it cost?"`,
    "The small model in the package reads price boards only; -m NAME opens another one, and flashvl chat --help lists every option.",
  ].join("\n");
}

async function loadPicture(source: string): Promise<ImageInput> {
  const { loadImage } = await import("../../processor/index.ts");
  return loadImage(source === "-" ? new Uint8Array(await buffer(process.stdin)) : source);
}

async function answerOnce(
  conversation: Conversation,
  model: FlashVL,
  question: string,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const writer = answerWriter(process.stdout, process.stdout.isTTY);
  const result = await conversation.ask(question, options.json ? () => {} : writer.write, signal);
  writer.end();
  signal.throwIfAborted();
  if (options.json) {
    const { text, reasoning, finishReason, usage, timings } = result;
    const { name, preset, device } = model.info;
    printJson({
      text,
      reasoning,
      finishReason,
      usage,
      timings,
      model: { name: options.model ?? name, preset, device },
    });
  }
  if (options.stats) process.stderr.write(`${answerLines(result).join("\n")}\n`);
}

async function talk(conversation: Conversation, model: FlashVL, options: Options): Promise<void> {
  const { stdin: input, stdout: output, stderr: notes } = process;
  if (input.isTTY && output.isTTY)
    notes.write(`${model.info.name} (${model.info.preset}). /help lists the commands.\n`);
  const onInterrupt = (listener: () => void) => {
    process.on("SIGINT", listener);
    return () => process.off("SIGINT", listener);
  };
  const hooks = { loadPicture, debug: options.debug ?? false };
  await chatInteractively(conversation, { input, output, notes }, hooks, onInterrupt);
  if (options.stats && conversation.last) notes.write(`${answerLines(conversation.last).join("\n")}\n`);
}

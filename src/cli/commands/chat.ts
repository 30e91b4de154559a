/** @file `flashvl chat IMAGE [QUESTION]`: one streamed answer, or a conversation when there is no question. */
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import type { FlashVL } from "../../engine/index.ts";
import type { ImageInput } from "../../processor/index.ts";
import { Conversation } from "../chat/conversation.ts";
import { addGenerateFlags, type GenerateFlags, generateOptions } from "../chat/generate-flags.ts";
import { chatInteractively } from "../chat/interactive.ts";
import { answerLines } from "../chat/stats-lines.ts";
import { UsageError } from "../fail.ts";
import { addEngineOptions, openEngine, type RunOptions } from "../open-engine.ts";
import { addHubOptions, type CommonOptions } from "../shared-options.ts";
import { forTerminal } from "../terminal/for-terminal.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson } from "../terminal/stdout.ts";

interface Options extends RunOptions, GenerateFlags, CommonOptions {
  /** False with --no-image. */
  image: boolean;
  stats?: boolean;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("chat")
    .description("ask about a picture; without a question, talk about it")
    .argument("[image]", "path or URL of the picture, - for stdin")
    .argument("[question]", "one question; without it a conversation begins")
    .option("--no-image", "no picture: the first argument is the question")
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
  if (options.image && first === undefined)
    throw new UsageError("Which picture? flashvl chat IMAGE [QUESTION], or --no-image.");
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
    const conversation = new Conversation(model, generateOptions(options));
    if (picture !== undefined) conversation.show(picture);
    if (question === undefined) await talk(conversation, model, options);
    else await withInterrupt((signal) => answerOnce(conversation, model, question, options, signal));
  } finally {
    await model.dispose();
  }
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
  let wrote = false;
  const write = (text: string) => {
    wrote = true;
    process.stdout.write(process.stdout.isTTY ? forTerminal(text) : text);
  };
  const result = await conversation.ask(question, options.json ? () => {} : write, signal);
  if (wrote) process.stdout.write("\n");
  signal.throwIfAborted();
  if (options.json) {
    const { text, finishReason, usage, timings } = result;
    const { name, preset, device } = model.info;
    printJson({ text, finishReason, usage, timings, model: { name: options.model ?? name, preset, device } });
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

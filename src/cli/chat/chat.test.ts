import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import type { GenerateOptions, GenerateResult, StreamPart } from "../../engine/index.ts";
import type { Message } from "../../processor/index.ts";
import { parseChatLine } from "./commands.ts";
import { Conversation } from "./conversation.ts";
import { generateOptions } from "./generate-flags.ts";
import { chatInteractively } from "./interactive.ts";

const result = (text: string, finishReason: GenerateResult["finishReason"] = "stop"): GenerateResult => ({
  text,
  tokens: [1],
  finishReason,
  usage: { promptTokens: 10, completionTokens: 2, cachedTokens: 4, imageTokens: 0 },
  timings: { imageMs: 1, queueMs: 0, prefillMs: 2, timeToFirstTokenMs: 3, decodeMs: 4, perTokenMs: 5, totalMs: 6 },
});

/** A model that answers "A<n>." in two pieces, or waits for its signal when asked to "wait". */
function fakeModel() {
  const seen: Message[][] = [];
  const options: GenerateOptions[] = [];
  async function* stream(
    _: unknown,
    messages: readonly Message[],
    given: GenerateOptions = {},
  ): AsyncGenerator<StreamPart, void, undefined> {
    seen.push([...messages]);
    options.push(given);
    const { content } = messages.at(-1)!;
    const text =
      typeof content === "string"
        ? content
        : content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
    if (text === "fail") throw new Error("cannot answer that");
    yield { text: "A", token: 1 } as StreamPart;
    if (text === "wait") {
      const { signal } = given;
      if (!signal?.aborted) await new Promise((done) => signal?.addEventListener("abort", done));
      yield { done: true, text: "", result: result("A", "abort") };
      return;
    }
    yield { text: `${seen.length}.`, token: 2 } as StreamPart;
    yield { done: true, text: "", result: result(`A${seen.length}.`) };
  }
  return { model: { stream } as ConstructorParameters<typeof Conversation>[0], seen, options };
}

/** Runs an interactive chat over lines; "^C" is Ctrl-C as soon as the answer has begun or the prompt waits. */
async function talk(lines: string[], setup: (conversation: Conversation) => void = () => {}) {
  const { model, seen, options } = fakeModel();
  const conversation = new Conversation(model, { maxNewTokens: 5 });
  setup(conversation);
  const input = new PassThrough();
  const output = new PassThrough();
  const notes = new PassThrough();
  let interrupt = () => {};
  const shown: string[] = [];
  const pictures: string[] = [];
  output.on("data", (chunk: Buffer) => {
    shown.push(String(chunk));
    if (lines[0] === "^C") {
      lines.shift();
      interrupt();
      next();
    }
  });
  const next = () => {
    while (lines.length > 0 && lines[0] !== "^C") {
      const line = lines.shift()!;
      input.write(`${line}\n`);
      if (line === "wait") return;
    }
    if (lines.length === 0) input.end();
  };
  next();
  await chatInteractively(
    conversation,
    { input, output, notes },
    {
      loadPicture: async (path) => {
        if (path === "nope.png") throw new Error("there is no such file");
        pictures.push(path);
        return path;
      },
      debug: false,
    },
    (listener) => {
      interrupt = listener;
      return () => {};
    },
  );
  return { shown: shown.join(""), notes: String(notes.read() ?? ""), seen, options, pictures, conversation };
}

it("every line is a turn, and earlier turns are sent along", async () => {
  const { shown, seen, options } = await talk(["one", "", "two"]);
  expect(shown).toBe("A1.\nA2.\n");
  expect(seen[1]).toEqual([
    { role: "user", content: "one" },
    { role: "assistant", content: "A1." },
    { role: "user", content: "two" },
  ]);
  expect(options[0]).toMatchObject({ maxNewTokens: 5 });
});

it("a picture comes with the next question only, and again after /reset", async () => {
  const { seen } = await talk(["one", "two", "/reset", "three"], (conversation) => conversation.show("board.png"));
  const withPicture = (text: string) => ({
    role: "user",
    content: [
      { type: "image", image: "board.png" },
      { type: "text", text },
    ],
  });
  expect(seen[0]).toEqual([withPicture("one")]);
  expect(seen[1]!.at(-1)).toEqual({ role: "user", content: "two" });
  expect(seen[2]).toEqual([withPicture("three")]);
});

it("/image shows a further picture and says when it cannot", async () => {
  const { seen, notes, pictures } = await talk(["one", "/image nope.png", '/image "my board.png"', "two"]);
  expect(notes).toContain("there is no such file");
  expect(pictures).toEqual(["my board.png"]);
  expect(seen[1]!.length).toBe(3);
  expect(seen[1]!.at(-1)!.content).toHaveLength(2);
});

it("Ctrl-C stops the answer and keeps the conversation with what was said", async () => {
  const { shown, seen, notes } = await talk(["wait", "^C", "two"]);
  expect(shown).toBe("A\nA2.\n");
  expect(notes).toContain("(stopped)");
  expect(seen[1]!.map(({ content }) => content)).toEqual(["wait", "A", "two"]);
});

it("a question that cannot be answered is taken back", async () => {
  const { notes, seen } = await talk(["fail", "two"]);
  expect(notes).toContain("flashvl: cannot answer that");
  expect(seen[1]).toEqual([{ role: "user", content: "two" }]);
});

it("/stats counts answers and tokens, /help lists the commands, /exit leaves", async () => {
  const { notes, seen } = await talk(["/stats", "one", "two", "/stats", "/help", "/what", "/exit", "three"]);
  expect(notes).toContain("No answer yet.");
  expect(notes).toContain("2 answers, 4 tokens written, 20 read (8 known from before)");
  expect(notes).toContain("/image PATH");
  expect(notes).toContain("there is no command /what");
  expect(seen.length).toBe(2);
});

it("lines are read as commands only when they begin with one slash", () => {
  expect(parseChatLine("  what?  ")).toEqual({ kind: "ask", text: "what?" });
  expect(parseChatLine("//etc is what?")).toEqual({ kind: "ask", text: "/etc is what?" });
  expect(parseChatLine("/image   a b.png ")).toEqual({ kind: "image", path: "a b.png" });
  expect(parseChatLine("/image")).toMatchObject({ kind: "wrong" });
  expect(parseChatLine("   ")).toEqual({ kind: "nothing" });
});

it("flags that only make sense when sampling switch it on; an empty system prompt is none", () => {
  expect(generateOptions({}).doSample).toBe(false);
  expect(generateOptions({ temperature: 0 }).doSample).toBe(false);
  expect(generateOptions({ temperature: 0.7 })).toMatchObject({ doSample: true, temperature: 0.7 });
  expect(generateOptions({ topP: 0.9 }).doSample).toBe(true);
  expect(generateOptions({ seed: 1 }).doSample).toBe(false);
  expect(generateOptions({ system: "" }).systemPrompt).toBeNull();
  expect(generateOptions({}).systemPrompt).toBeUndefined();
});

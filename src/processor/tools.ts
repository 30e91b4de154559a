/** @file Tools in prompts, as Qwen2.5's published template writes them (Hermes's style): definitions, calls and results. */
import { InputError } from "./input-error.ts";
import type { ContentPart, Message, ToolCall } from "./messages.ts";

/** A function that the model may call. */
export interface ToolDefinition {
  name: string;
  description?: string;
  /** JSON schema of the arguments, an object. */
  parameters?: Record<string, unknown>;
}

/** Around a call in the model's text. */
export const CALL_MARKS = ["<tool_call>", "</tool_call>"] as const;

/** What stands in a call before the name, between name and arguments, and after them. */
export const CALL_PARTS = ['{"name": "', '", "arguments": ', "}"] as const;

/**
 * JSON as Python's json.dumps writes it, which the template was trained with: a space after every separator.
 *
 * @example pythonJson({ a: [1, 2] }); // {"a": [1, 2]}
 */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}: ${pythonJson(member)}`).join(", ")}}`;
}

/**
 * The conversation with its tools as text: definitions behind the system text, calls in the assistant's turns, results in
 * turns of the user. Without tools, calls and results it is the conversation itself.
 *
 * @param messages with their system turn in front
 */
export function withTools(messages: readonly Message[], tools: readonly ToolDefinition[] = []): readonly Message[] {
  const [first] = messages;
  const system = first?.role === "system" ? first : undefined;
  const written: Message[] = [];
  if (tools.length > 0) {
    const own = system ? partsOf(system.content) : [];
    written.push({ role: "system", content: [...own, ...definitions(tools, own.length > 0)] });
  } else if (system) written.push(system);
  let results: ContentPart[] | undefined;
  for (const message of messages.slice(system ? 1 : 0)) {
    if (message.role !== "tool") {
      results = undefined;
      written.push(message.toolCalls?.length ? { role: "assistant", content: withCalls(message) } : message);
      continue;
    }
    // Results that follow each other share a turn.
    const result = [
      text(`${results ? "\n" : ""}<tool_response>\n`),
      ...partsOf(message.content),
      text("\n</tool_response>"),
    ];
    if (results) results.push(...result);
    else {
      results = result;
      written.push({ role: "user", content: results });
    }
  }
  return written;
}

const text = (value: string): ContentPart => ({ type: "text", text: value });
const mark = (which: 0 | 1): ContentPart => ({ type: "mark", text: CALL_MARKS[which] });
const callExample = text('\n{"name": <function-name>, "arguments": <args-json-object>}\n');
const partsOf = (content: string | ContentPart[]): ContentPart[] =>
  typeof content === "string" ? (content === "" ? [] : [text(content)]) : content;

function definitions(tools: readonly ToolDefinition[], behindText: boolean): ContentPart[] {
  const lines = tools.map(({ name, description, parameters }) =>
    pythonJson({ type: "function", function: { name, description, parameters } }),
  );
  const described =
    `${behindText ? "\n\n" : ""}# Tools\n\nYou may call one or more functions to assist with the user query.\n\n` +
    "You are provided with function signatures within <tools></tools> XML tags:\n" +
    `<tools>\n${lines.join("\n")}\n</tools>\n\n` +
    "For each function call, return a json object with function name and arguments within ";
  return [text(described), mark(0), mark(1), text(" XML tags:\n"), mark(0), callExample, mark(1)];
}

function withCalls({ content, toolCalls = [] }: Message): ContentPart[] {
  const parts = partsOf(content);
  for (const { name, arguments: args } of toolCalls) {
    if (parts.length > 0) parts.push(text("\n"));
    const [before, between, after] = CALL_PARTS;
    parts.push(mark(0), text(`\n${before}${name}${between}${argumentsText(args)}${after}\n`), mark(1));
  }
  return parts;
}

/** Arguments as the template writes them; a text that is no JSON, which the model once made, stays as it was. */
function argumentsText(args: ToolCall["arguments"]): string {
  if (typeof args !== "string") return pythonJson(args);
  try {
    return pythonJson(JSON.parse(args));
  } catch {
    return args;
  }
}

/** Refuses definitions of tools that are none. @throws InputError naming the place */
export function checkTools(tools: readonly ToolDefinition[]): void {
  const names = new Set<string>();
  for (const [index, { name, parameters }] of tools.entries()) {
    if (typeof name !== "string" || !/^[\w.-]{1,128}$/.test(name))
      throw new InputError("invalid", `tools[${index}].name must be 1 to 128 letters, digits, "_", "." or "-".`);
    if (names.has(name)) throw new InputError("invalid", `tools has two functions named "${name}".`);
    names.add(name);
    if (parameters !== undefined && (typeof parameters !== "object" || parameters === null))
      throw new InputError("invalid", `tools[${index}].parameters must be a JSON schema.`);
  }
}

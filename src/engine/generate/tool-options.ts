/** @file Which tools an answer may call, and the form that it is held to where it must. */
import { CALL_MARKS, CALL_PARTS, checkTools, type ToolDefinition } from "../../processor/core.ts";
import type { JsonSchema, Structure } from "../constraint/index.ts";

/** Options of tools. The answer's text holds the calls; `AnswerSplitter` tells them apart from the rest. */
export interface ToolOptions {
  /** Functions that the model may call. */
  tools?: readonly ToolDefinition[];
  /** "auto" (default): as the model likes. "required" and a name hold the answer to calls; "none" leaves the tools out. */
  toolChoice?: "auto" | "none" | "required" | { name: string };
  /** Whether an answer may have several calls. Default true. */
  parallelToolCalls?: boolean;
}

/** What tools come to for one answer. */
export interface ToolSettings {
  /** The tools that the prompt describes. */
  tools: readonly ToolDefinition[];
  structure: Structure | undefined;
  /** Ends an answer after its first call, where it may have only one and is not held to a structure. */
  stop: readonly string[];
}

/**
 * @param answer the form of an answer that is no call
 * @throws InputError or RangeError for tools or a choice that cannot be
 */
export function toolSettings(options: ToolOptions, answer: Structure | undefined): ToolSettings {
  const { tools = [], toolChoice = "auto", parallelToolCalls = true } = options;
  checkTools(tools);
  if (typeof toolChoice === "object" && !tools.some(({ name }) => name === toolChoice.name))
    throw new RangeError(`toolChoice names "${toolChoice.name}", which is none of the tools.`);
  if (toolChoice === "required" && tools.length === 0)
    throw new RangeError('toolChoice is "required", but there are no tools.');
  if (tools.length === 0 || toolChoice === "none") return { tools: [], structure: answer, stop: [] };
  const several = parallelToolCalls && typeof toolChoice !== "object";
  if (toolChoice !== "auto") {
    const callable = typeof toolChoice === "object" ? tools.filter(({ name }) => name === toolChoice.name) : tools;
    return { tools, structure: calls(callable, several), stop: [] };
  }
  if (answer !== undefined) return { tools, structure: { choice: [answer, calls(tools, several)] }, stop: [] };
  return { tools, structure: undefined, stop: several ? [] : [CALL_MARKS[1]] };
}

function calls(tools: readonly ToolDefinition[], several: boolean): Structure {
  const call: Structure = { choice: tools.map(callOf) };
  return several ? { list: call, separator: "\n" } : call;
}

/** A call as the template writes it. Without parameters a function takes an empty object. */
function callOf({ name, parameters }: ToolDefinition): Structure {
  const [before, between, after] = CALL_PARTS;
  const schema: JsonSchema = parameters ?? { type: "object", properties: {}, additionalProperties: false };
  return {
    sequence: [`${CALL_MARKS[0]}\n${before}${name}${between}`, { json: schema }, `${after}\n${CALL_MARKS[1]}`],
  };
}

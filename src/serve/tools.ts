/** @file The choice of tools as the doors' requests express it, in the engine's words. */
import type { GenerateOptions, ToolOptions } from "../engine/index.ts";
import { ApiError } from "./errors.ts";
import { jsonSchemaOf } from "./json-schema.ts";

/** A function as requests describe it. */
interface ApiTool {
  name: string;
  description?: string;
  parameters?: Record<string, unknown>;
}

/** A choice whatever the door: a mode, a name, or a mode for some of the tools. */
export type ApiToolChoice =
  | "auto"
  | "none"
  | "required"
  | { name: string }
  | { mode: "auto" | "required"; names: readonly string[] };

/**
 * The engine's options of tools. Throws {@link ApiError} 400 for a choice that no tool is there for.
 *
 * @param param how the door's requests name a tool's schema, for the message
 */
export function toolOptions(
  tools: readonly ApiTool[] = [],
  choice: ApiToolChoice | undefined,
  parallel: boolean | undefined,
  param: (index: number) => string,
): Pick<GenerateOptions, keyof ToolOptions> {
  const bounded = tools.map(({ name, description, parameters }, index) => ({
    name,
    description,
    parameters: parameters && jsonSchemaOf(parameters, param(index)),
  }));
  const named =
    choice === undefined || typeof choice === "string" ? [] : "name" in choice ? [choice.name] : choice.names;
  const unknown = named.find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined || (choice === "required" && tools.length === 0)) {
    const what =
      unknown === undefined ? "a call is required, but there are no tools" : `"${unknown}" is none of the tools`;
    throw new ApiError(400, `tool_choice: ${what}.`, { param: "tool_choice", code: "invalid_value" });
  }
  if (tools.length === 0) return {};
  const among = typeof choice === "object" && "mode" in choice ? choice : undefined;
  return {
    tools: among ? bounded.filter(({ name }) => among.names.includes(name)) : bounded,
    toolChoice: among ? among.mode : (choice as ToolOptions["toolChoice"]),
    parallelToolCalls: parallel,
  };
}

/** @file The MCP server itself: ask_image, describe_image and extract_json. */
import { createRequire } from "node:module";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { AnswerSplitter, type FlashVL } from "../engine/index.ts";
import { loadImage, type RgbImage } from "../processor/index.ts";

/** The part of `FlashVL` that the tools use. */
export type McpModel = Pick<FlashVL, "generate"> & Partial<Pick<FlashVL, "card">>;

/** What the tools may do. */
export interface McpOptions {
  /** Hosts whose pictures may be fetched by URL; none by default. */
  pictureHosts?: readonly string[];
  /** Whether pictures may be paths of this machine: right over stdio, where the client runs here anyway, wrong over a network. */
  allowPaths?: boolean;
  /** Longest answer in tokens. */
  maxTokens?: number;
}

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** What models are trained to answer with a description; a model's folder may know better words. */
const DESCRIBE = "Describe this picture.";

/**
 * A new MCP server around a model; one per connection (stdio) or request (HTTP).
 *
 * @example const server = createMcpServer(model, { allowPaths: true });
 */
export function createMcpServer(model: McpModel, options: McpOptions = {}): McpServer {
  const { pictureHosts = [], allowPaths = false, maxTokens = 1024 } = options;
  const server = new McpServer({ name: "flashvl", version, title: "FlashVL: questions about pictures" });
  const ways = [
    allowPaths ? "a file path" : "",
    pictureHosts.length > 0 ? `an http(s) URL of ${pictureHosts.join(", ")}` : "",
    "a data: URL",
  ];
  const image = z
    .string()
    .min(1)
    .describe(`the picture: ${ways.filter(Boolean).join(", or ")}`);
  const annotations = { readOnlyHint: true, openWorldHint: pictureHosts.length > 0 };

  const load = async (address: string, signal: AbortSignal): Promise<RgbImage> => {
    if (!allowPaths && !/^(data|https?):/i.test(address)) {
      throw new Error(
        "This server takes pictures as data: URLs" +
          (pictureHosts.length > 0 ? " or http(s) URLs." : ".") +
          " Paths are not allowed here.",
      );
    }
    return loadImage(address, { allowedHosts: pictureHosts, signal });
  };
  const ask = async (
    address: string,
    question: string,
    signal: AbortSignal,
    schema?: Record<string, unknown>,
  ): Promise<string> => {
    const picture = await load(address, signal);
    const messages = [{ role: "user" as const, content: question }];
    const { text, finishReason } = await model.generate(picture, messages, { maxNewTokens: maxTokens, signal, schema });
    if (finishReason === "abort") throw signal.reason;
    if (schema && finishReason === "length")
      throw new Error(`The JSON was cut off after ${maxTokens} tokens. Ask for less, or raise the limit.`);
    if (model.card?.reasoning === false) return text;
    // Assistants want the answer; how the model came to it would only be read as part of it.
    const splitter = new AnswerSplitter();
    const answer = [...splitter.push(text), ...splitter.end()]
      .map((part) => (part.type === "text" ? part.text : ""))
      .join("");
    if (answer === "" && finishReason === "length")
      throw new Error(
        `The model was still working it out after ${maxTokens} tokens. Ask for less, or raise the limit.`,
      );
    return answer;
  };
  const told = async (work: Promise<string>) => {
    try {
      return { content: [{ type: "text" as const, text: await work }] };
    } catch (error) {
      return {
        isError: true,
        content: [{ type: "text" as const, text: error instanceof Error ? error.message : String(error) }],
      };
    }
  };

  server.registerTool(
    "ask_image",
    {
      title: "Ask about a picture",
      description: "Answers a question about a picture.",
      inputSchema: z.object({ image, question: z.string().min(1) }),
      annotations,
    },
    ({ image, question }, { mcpReq }) => told(ask(image, question, mcpReq.signal)),
  );
  server.registerTool(
    "describe_image",
    {
      title: "Describe a picture",
      description: "Describes what a picture shows, readable text included.",
      inputSchema: z.object({ image }),
      annotations,
    },
    ({ image }, { mcpReq }) => told(ask(image, model.card?.describe ?? DESCRIBE, mcpReq.signal)),
  );
  server.registerTool(
    "extract_json",
    {
      title: "Read a picture into JSON",
      description: "Reads data from a picture as JSON that always fits the given JSON schema.",
      inputSchema: z.object({
        image,
        schema: z.record(z.string(), z.unknown()).describe("JSON schema of the result"),
        instructions: z.string().optional().describe("what to look for"),
      }),
      annotations,
    },
    ({ image, schema, instructions }, { mcpReq }) =>
      told(ask(image, instructions ?? "Read the data in this picture as JSON.", mcpReq.signal, schema)),
  );
  return server;
}

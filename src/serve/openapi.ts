/** @file GET /openapi.json: the server's OpenAPI 3.1 document, made from the schemas that check the requests. */
import type { Hono } from "hono";
import { z } from "zod";
import { countSchema, messagesRequestSchema } from "./anthropic/schema.ts";
import { attentionRequestSchema } from "./attention-route.ts";
import { chatRequestSchema, pictureUrl } from "./chat/schema.ts";
import { completionRequestSchema } from "./completions/schema.ts";
import type { ServeEnv } from "./context.ts";
import { ollamaChatSchema, ollamaGenerateSchema, ollamaShowSchema } from "./ollama/schema.ts";
import { responsesRequestSchema } from "./responses/schema.ts";
import { detokenizeSchema, tokenizeSchema } from "./tokens-route.ts";

const ERRORS: Record<string, string> = {
  "400": "The request is faulty; `param` names the place.",
  "401": "The API key is missing or wrong.",
  "404": "No such model or path.",
  "413": "The body or a picture is too large.",
  "415": "The body is not application/json.",
  "429": "The queue is full; Retry-After says when to try again.",
  "503": "The model is loading, or the server is shutting down.",
  "504": "The request took too long.",
};

const errorResponses = Object.fromEntries(
  Object.entries(ERRORS).map(([status, description]) => [
    status,
    { description, ...json({ $ref: "#/components/schemas/Error" }) },
  ]),
);

/**
 * The document as a plain object.
 *
 * @example const document = openapiDocument();
 */
export function openapiDocument(): object {
  const get = (summary: string, type = "application/json") => ({
    get: { summary, responses: { "200": { description: "OK", content: { [type]: {} } } } },
  });
  const post = (summary: string, body: z.ZodType, streams: boolean) => ({
    post: {
      summary,
      requestBody: { required: true, ...json(jsonSchemaOf(body)) },
      responses: {
        "200": {
          description: "The answer",
          content: { "application/json": {}, ...(streams && { "text/event-stream": {} }) },
        },
        ...errorResponses,
      },
    },
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "FlashVL server",
      version: "1",
      description:
        "Chat about pictures through the doors of OpenAI, Anthropic and Ollama. Null is the same as absent; parameters that are not listed are refused, never ignored.",
    },
    paths: {
      "/v1/chat/completions": post("Answer a conversation", chatRequestSchema, true),
      "/v1/responses": post("Answer a conversation, as a response object", responsesRequestSchema, true),
      "/v1/completions": post("Continue a text as it is", completionRequestSchema, true),
      "/v1/messages": post("Answer a conversation, as Anthropic's API does", messagesRequestSchema, true),
      "/v1/messages/count_tokens": post("Count a conversation's tokens", countSchema, false),
      "/tokenize": post("The tokens of a text", tokenizeSchema, false),
      "/detokenize": post("The text of tokens", detokenizeSchema, false),
      "/api/chat": post("Answer a conversation, as Ollama does", ollamaChatSchema, true),
      "/api/generate": post("Answer a question, as Ollama does", ollamaGenerateSchema, true),
      "/api/show": post("What is known of a model, as Ollama tells it", ollamaShowSchema, false),
      "/api/tags": get("The models served, as Ollama lists them"),
      "/api/version": get("The package's version, as Ollama tells it"),
      "/v1/models": get("The models served"),
      "/v1/models/{id}": {
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
        ...get("One model"),
      },
      "/v1/flashvl/attention": post("Where the model looked when it wrote a token", attentionRequestSchema, false),
      "/v1/flashvl/about": get("What this server can do"),
      "/health": get("Alive"),
      "/healthz": get("Alive"),
      "/livez": get("Alive"),
      "/ready": get("Ready for requests; 503 while the model loads or the server shuts down"),
      "/readyz": get("Ready for requests; 503 while the model loads or the server shuts down"),
      "/version": get("The package's version"),
      "/metrics": get("Prometheus metrics", "text/plain"),
      "/openapi.json": get("This document"),
    },
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
      schemas: {
        Error: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["message", "type", "param", "code"],
              properties: {
                message: { type: "string" },
                type: { type: "string" },
                param: { type: ["string", "null"] },
                code: { type: ["string", "null"] },
              },
            },
          },
        },
      },
    },
    security: [{ key: [] }, {}],
  };
}

/** A body's schema as a client sees it: a picture is always named by a text there. */
function jsonSchemaOf(body: z.ZodType): object {
  return z.toJSONSchema(body, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      if (zodSchema === pictureUrl) delete jsonSchema.anyOf;
    },
  });
}

/** Adds the document's route. */
export function openapiRoute(app: Hono<ServeEnv>): void {
  let document: object | undefined;
  app.get("/openapi.json", (c) => {
    document ??= openapiDocument();
    return c.json(document);
  });
}

function json(schema: object) {
  return { content: { "application/json": { schema } } };
}

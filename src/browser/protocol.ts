/** @file What a page and the model's Worker say to each other, and how errors cross. */
import {
  type Conversation,
  type GenerateOptions,
  type ModelInfo,
  type SchemaInput,
  type StreamPart,
  toJsonSchema,
} from "../engine/index.ts";
import type { ContentPart, ImageInput } from "../processor/core.ts";
import type { WebModelInfo, WebProgress, WebSettings } from "./web-options.ts";

/** Methods whose promise is their answer. */
export type Method = "generate" | "countTokens" | "stats" | "attention" | "pictureTokens" | "dispose";

/** What a page asks; `id` names the request in every answer. */
export type Request =
  | { id: number; type: "open"; url: string; settings: WebSettings }
  | { id: number; type: "call"; method: Method; args: unknown[] }
  | { id: number; type: "stream"; args: unknown[] }
  | { id: number; type: "abort" };

/** What the Worker answers. */
export type Answer =
  | { id: number; type: "progress"; progress: WebProgress }
  | { id: number; type: "part"; part: StreamPart }
  | { id: number; type: "done"; value: unknown }
  | { id: number; type: "error"; error: SentError };

/** What a Worker answers to "open". */
export interface Opened {
  info: WebModelInfo & ModelInfo;
}

/** An error as a message: cloning keeps neither its class nor its code. */
export interface SentError {
  name: string;
  message: string;
  code?: unknown;
  stack?: string;
}

export const sendError = (error: unknown): SentError => {
  const {
    name = "Error",
    message = String(error),
    code,
    stack,
  } = error instanceof Error ? (error as SentError) : ({} as Partial<SentError>);
  return { name, message, stack, ...(["string", "number"].includes(typeof code) && { code }) };
};

const BUILT_IN = { RangeError, TypeError, SyntaxError };

/** The error again: by its own class where the language has it, otherwise an Error with its name and code. */
export function receiveError({ name, message, code, stack }: SentError): Error {
  if (name === "AbortError") return new DOMException(message, name);
  const error = new (BUILT_IN[name as keyof typeof BUILT_IN] ?? Error)(message);
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  return Object.assign(error, { stack }, code !== undefined && { code });
}

/** An option's value without what cannot enter a Worker: a zod type becomes its JSON schema. */
function sendable(name: string, value: unknown): unknown {
  if (typeof value === "function")
    throw new TypeError(
      `${name} is a function, which cannot enter the model's Worker. Open the model with openInThread in a Worker of your own, and give it there.`,
    );
  if (typeof value !== "object" || value === null) return value;
  if ("_zod" in value) return toJsonSchema(value as SchemaInput);
  if (Array.isArray(value)) return value.map((part) => sendable(name, part));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, sendable(`${name}.${key}`, part)]));
}

/** Options of an answer as they enter the Worker; the signal stays here. */
export const sendOptions = ({ signal: _, ...options }: GenerateOptions): GenerateOptions =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, sendable(name, value)]));

/** A picture as it enters the Worker, whose own address is another one. */
const sendImage = (image: ImageInput): ImageInput =>
  typeof image === "string" || image instanceof URL
    ? new URL(image, globalThis.document?.baseURI ?? globalThis.location.href).href
    : image;

/** One picture, several or none. */
export const sendImages = <T extends ImageInput | readonly ImageInput[] | null>(images: T): T =>
  (images === null || images === undefined
    ? images
    : Array.isArray(images)
      ? images.map(sendImage)
      : sendImage(images as ImageInput)) as T;

/** A conversation with its pictures; what is no conversation is refused by the engine. */
export const sendMessages = (messages: Conversation): Conversation =>
  Array.isArray(messages)
    ? messages.map((message) =>
        Array.isArray(message?.content)
          ? {
              ...message,
              content: (message.content as ContentPart[]).map((part) =>
                part?.type === "image" && part.image != null ? { ...part, image: sendImage(part.image) } : part,
              ),
            }
          : message,
      )
    : messages;

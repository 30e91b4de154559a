/** @file Any OpenAI-compatible endpoint as an answerer, so that peers are measured by the same code. */
import { readFile } from "node:fs/promises";
import { mapConcurrent } from "../../common/index.ts";
import type { ContentPart, ImageInput, Message } from "../../processor/index.ts";
import { chatCompletion, type Endpoint } from "../chat-completion.ts";
import type { Answer, Answerer } from "./answerer.ts";

export interface OpenAiAnswererOptions extends Endpoint {
  /** Requests under way at once. Default 16. */
  concurrency?: number;
  /** Default 512, as for our model. */
  maxNewTokens?: number;
  /** Default 0. */
  temperature?: number;
}

const SIGNATURES: [start: number[], type: string][] = [
  [[0x89, 0x50, 0x4e, 0x47], "image/png"],
  [[0xff, 0xd8, 0xff], "image/jpeg"],
  [[0x47, 0x49, 0x46], "image/gif"],
  [[0x52, 0x49, 0x46, 0x46], "image/webp"],
  [[0x42, 0x4d], "image/bmp"],
];

async function pictureBytes(image: ImageInput): Promise<Uint8Array> {
  if (image instanceof Uint8Array) return image;
  if (image instanceof ArrayBuffer) return new Uint8Array(image);
  if (image instanceof Blob) return new Uint8Array(await image.arrayBuffer());
  if (typeof image === "string" || image instanceof URL) return readFile(image);
  const { default: sharp } = await import("sharp");
  const channels = "channels" in image ? image.channels : 3;
  const { data, width, height } = image;
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}

/** A picture as a data URL; addresses pass through. */
export async function imageUrl(image: ImageInput): Promise<string> {
  if (typeof image === "string" && /^(?:data:|https?:)/.test(image)) return image;
  if (image instanceof URL && image.protocol.startsWith("http")) return image.href;
  const bytes = await pictureBytes(image);
  const type = SIGNATURES.find(([start]) => start.every((byte, place) => bytes[place] === byte))?.[1] ?? "image/png";
  return `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
}

async function openAiMessages(images: readonly ImageInput[], messages: readonly Message[]): Promise<unknown[]> {
  let waiting = [...images];
  return Promise.all(
    messages.map(async ({ role, content }) => {
      const own: ContentPart[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
      const first = role === "user" ? waiting : [];
      if (role === "user") waiting = [];
      const parts: ContentPart[] = [...first.map((image): ContentPart => ({ type: "image", image })), ...own];
      if (parts.length === 1 && parts[0]!.type === "text") return { role, content: parts[0]!.text };
      const converted = parts.map(async (part) =>
        part.type === "image" ? { type: "image_url", image_url: { url: await imageUrl(part.image) } } : part,
      );
      return { role, content: await Promise.all(converted) };
    }),
  );
}

/** @example const answerer = openAiAnswerer({ baseUrl: "http://127.0.0.1:8000/v1", model: "flashvl" }); */
export function openAiAnswerer(options: OpenAiAnswererOptions): Answerer {
  const { concurrency = 16, maxNewTokens = 512, temperature = 0, ...endpoint } = options;
  return {
    name: endpoint.model.split("/").at(-1)!,
    settings: { model: endpoint.model, baseUrl: endpoint.baseUrl, maxNewTokens, temperature },
    answer: (requests, { signal }) =>
      mapConcurrent(requests, concurrency, async ({ key, images, messages }): Promise<Answer> => {
        const started = performance.now();
        try {
          const body = {
            messages: await openAiMessages(images, messages),
            max_tokens: maxNewTokens,
            temperature,
          };
          const { text, completionTokens } = await chatCompletion(endpoint, body, signal);
          return { key, text, milliseconds: performance.now() - started, completionTokens };
        } catch (error) {
          signal?.throwIfAborted();
          return { key, text: "", error: (error as Error).message, milliseconds: performance.now() - started };
        }
      }),
    close: async () => {},
  };
}

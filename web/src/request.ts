/** @file Conversations as request bodies of the chat completions API. */
import type { AskSettings, Turn } from "./types.ts";

/** A message as the API takes it. */
export interface ApiMessage {
  role: "system" | "user" | "assistant";
  content: string | ({ type: "text"; text: string } | { type: "image_url"; image_url: { url: string } })[];
}

/** Turns pictures into addresses: data: URLs for requests, short stand-ins for code to copy. */
export type PictureAddress = (picture: Blob) => Promise<string> | string;

/**
 * The messages of a conversation.
 *
 * @example const messages = await toMessages(turns, "Answer briefly.", dataUrl);
 */
export async function toMessages(turns: Turn[], system: string, address: PictureAddress): Promise<ApiMessage[]> {
  const messages: ApiMessage[] = system.trim() ? [{ role: "system", content: system }] : [];
  for (const turn of turns) {
    if (turn.role === "assistant") messages.push({ role: "assistant", content: turn.text });
    else if (turn.pictures.length === 0) messages.push({ role: "user", content: turn.text });
    else {
      const pictures = await Promise.all(
        turn.pictures.map(async (picture) => ({
          type: "image_url" as const,
          image_url: { url: await address(picture) },
        })),
      );
      messages.push({ role: "user", content: [...pictures, { type: "text", text: turn.text }] });
    }
  }
  return messages;
}

/** The sampling part of a request; settings that say nothing are left out. */
export function toSampling(settings: AskSettings): Record<string, unknown> {
  return {
    max_completion_tokens: settings.maxTokens,
    ...(settings.temperature > 0 && {
      temperature: settings.temperature,
      top_p: settings.topP < 1 ? settings.topP : undefined,
    }),
    ...(settings.seed !== undefined && { seed: settings.seed }),
    ...(settings.schema.trim() && {
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: JSON.parse(settings.schema) } },
    }),
  };
}

/** A picture as a data: URL. */
export function dataUrl(picture: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(picture);
  });
}

/** @file The Worker's side: opens one model and answers what the page asks of it. */
import type { Conversation, GenerateOptions, Images } from "../engine/index.ts";
import type { ImageInput, Message } from "../processor/core.ts";
import { openInThread, type WebEngine } from "./open-engine.ts";
import { type Answer, type Opened, type Request, sendError } from "./protocol.ts";

/** The half of a Worker or MessagePort that is needed. */
export interface Port {
  postMessage(message: Answer): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
}

/**
 * Answers a page through a port; for a Worker of one's own that keeps `FlashVL`'s proxy in the page.
 * @example answerPort(self); // the whole of a Worker
 */
export function answerPort(port: Port): void {
  const running = new Map<number, AbortController>();
  let model: WebEngine | undefined;

  async function open({ id, url, settings }: Request & { type: "open" }, signal: AbortSignal): Promise<Opened> {
    const onProgress = (
      progress: Parameters<NonNullable<Parameters<typeof openInThread>[1]>["onProgress"] & object>[0],
    ) => port.postMessage({ id, type: "progress", progress });
    model = await openInThread(url, { ...settings, onProgress, signal });
    return { info: model.info };
  }

  async function call({ method, args }: Request & { type: "call" }, signal: AbortSignal): Promise<unknown> {
    if (method === "generate") return opened().generate(...answerArguments(args, signal));
    if (method === "countTokens") {
      const [messages, options] = args as [Conversation, GenerateOptions];
      return opened().countTokens(messages, { ...options, signal });
    }
    if (method === "stats") return opened().stats();
    if (method === "attention") {
      const [messages, answer, index, limits] = args as [Message[], string, number, object];
      return opened().attention(messages, answer, index, signal, limits);
    }
    if (method === "pictureTokens") {
      const [image, limits] = args as [ImageInput, object];
      return opened().pictureTokens(image, { ...limits, signal });
    }
    return opened().dispose();
  }

  async function stream({ id, args }: Request & { type: "stream" }, signal: AbortSignal): Promise<void> {
    for await (const part of opened().stream(...answerArguments(args, signal)))
      port.postMessage({ id, type: "part", part });
  }

  const opened = (): WebEngine => {
    if (!model) throw new Error("No model is open in this Worker.");
    return model;
  };

  port.onmessage = async ({ data: request }) => {
    const { id, type } = request;
    if (type === "abort") return running.get(id)?.abort();
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const { signal } = controller;
      const work =
        type === "open" ? open(request, signal) : type === "call" ? call(request, signal) : stream(request, signal);
      port.postMessage({ id, type: "done", value: await work });
    } catch (error) {
      port.postMessage({ id, type: "error", error: sendError(error) });
    } finally {
      running.delete(id);
    }
  };
}

/** What the page sent; the engine checks it. */
function answerArguments(args: unknown[], signal: AbortSignal): [Images, Message[], GenerateOptions] {
  const [images, messages, options] = args as [Images, Message[], GenerateOptions];
  return [images, messages, { ...options, signal }];
}

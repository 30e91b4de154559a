/** @file Stands in for `src/api.ts` where the model runs in the page itself: the same functions, and no server. */
import { FlashVL, type GenerateOptions, type Message, type WebProgress } from "../../src/browser/index.ts";
import type * as Api from "../src/api.ts";
import { h } from "../src/dom.ts";
import type { About, AskSettings, Turn } from "../src/types.ts";
import { firstLanguage } from "../src/words.ts";

/** The exported model, beside the page. */
const MODEL = "model/";
const LIMITS = { pictures: 8, pictureBytes: 20_000_000, defaultTokens: 256 };

const WORDS = {
  en: {
    download: (part: string) => `The model is fetched into this browser, once: ${part}`,
    load: () => "The model is getting ready.",
    failed: (why: string) => `The model cannot run here. ${why}`,
  },
  zh: {
    download: (part: string) => `正在把模型下载到本浏览器(仅一次):${part}`,
    load: () => "正在准备模型。",
    failed: (why: string) => `模型无法在此运行。${why}`,
  },
};

/** There are no keys without a server. */
export const apiKey = { get: () => "", set: () => {} };
export const checkKey = async (): Promise<void> => {};

/** What the page knows as a server's refusal; here nothing throws it. */
export class ServerError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string | null) {
    super(message);
    this.status = status;
    this.code = code ?? undefined;
  }
}

let model: FlashVL | undefined;

/** Opens the model, and shows how far it is; what cannot be mended by waiting stays on the page. */
export async function about(): Promise<About> {
  const words = WORDS[firstLanguage(localStorage.getItem("flashvl-language"))];
  const line = h("p", { role: "status" }, words.load());
  const bar = document.createElement("progress");
  document.querySelector("#app")!.replaceChildren(h("main", { class: "starting" }, h("h1", {}, "FlashVL"), line, bar));
  const onProgress = ({ phase, done, total }: WebProgress) => {
    const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
    line.textContent = phase === "load" ? words.load() : words.download(`${mb(done)} / ${mb(total)} MB`);
    bar.value = total > 0 ? done / total : 0;
  };
  try {
    model ??= await FlashVL.fromPretrained(MODEL, { onProgress });
  } catch (error) {
    bar.remove();
    line.textContent = words.failed(error instanceof Error ? error.message : String(error));
    return new Promise(() => {});
  }
  const { name, maxContext, card } = model.info;
  const { reads, suggestions } = card;
  const limits = { ...LIMITS, tokens: maxContext };
  return { model: name, needsKey: false, attention: true, reads, suggestions, limits };
}

/** Asks the model and yields the answer piece by piece. */
export async function* ask(turns: Turn[], settings: AskSettings, signal: AbortSignal): AsyncGenerator<Api.Piece> {
  for await (const part of model!.stream(null, messagesOf(turns, settings.system), optionsOf(settings, signal))) {
    const tokens =
      !part.done && part.token !== undefined ? [{ id: part.token, text: part.text, logprob: part.logprob ?? 0 }] : [];
    const piece = { text: part.done ? "" : part.text, reasoning: "", tokens };
    if (!part.done) {
      yield piece;
      continue;
    }
    const { finishReason, usage } = part.result;
    signal.throwIfAborted();
    yield {
      ...piece,
      ending: finishReason,
      usage: {
        prompt_tokens: usage.promptTokens,
        completion_tokens: usage.completionTokens,
        prompt_tokens_details: { cached_tokens: usage.cachedTokens },
      },
    };
  }
}

/** Where the model looked when it wrote a token. */
export async function attention(
  turns: Turn[],
  system: string,
  answer: number[],
  token: number,
): Promise<Api.Attention> {
  const { grids, maps } = await model!.attention(messagesOf(turns, system), answer, token);
  return { grids, maps: maps.map((map) => [...map]) };
}

function messagesOf(turns: Turn[], system: string): Message[] {
  const messages: Message[] = system.trim() ? [{ role: "system", content: system }] : [];
  for (const turn of turns) {
    if (turn.role === "assistant") messages.push({ role: "assistant", content: turn.text });
    else {
      const pictures = turn.pictures.map((image) => ({ type: "image" as const, image }));
      messages.push({ role: "user", content: [...pictures, { type: "text", text: turn.text }] });
    }
  }
  return messages;
}

const optionsOf = (settings: AskSettings, signal: AbortSignal): GenerateOptions => ({
  maxNewTokens: settings.maxTokens,
  logprobs: true,
  signal,
  ...(settings.temperature > 0 && { temperature: settings.temperature, topP: settings.topP }),
  ...(settings.seed !== undefined && { seed: settings.seed }),
  ...(settings.schema.trim() && { schema: JSON.parse(settings.schema) }),
});

if ("serviceWorker" in navigator) void navigator.serviceWorker.register("service-worker.js").catch(() => {});

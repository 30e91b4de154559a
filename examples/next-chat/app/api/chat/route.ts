/** @file Next.js: the route that the AI SDK's useChat talks to; the model runs in this process, without a server beside it. */
import { convertToModelMessages, streamText, type UIMessage } from "ai";
import { FlashVL } from "flashvl";
import { flashvl } from "flashvl/ai-sdk";

export const runtime = "nodejs";

// One model per process. Next's development server loads modules anew after each change, so it is kept on globalThis.
const kept = globalThis as { flashvlModel?: Promise<FlashVL> };
const opened = () => (kept.flashvlModel ??= FlashVL.fromPretrained(process.env.FLASHVL_MODEL));

export async function POST(request: Request): Promise<Response> {
  const { messages } = (await request.json()) as { messages: UIMessage[] };
  const result = streamText({
    model: flashvl(await opened()),
    messages: await convertToModelMessages(messages),
    abortSignal: request.signal,
  });
  return result.toUIMessageStreamResponse();
}

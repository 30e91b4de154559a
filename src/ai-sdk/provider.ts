/** @file Wraps a FlashVL model as a language model of the Vercel AI SDK, specification v4. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from "@ai-sdk/provider";
import type { FlashVL } from "../engine/index.ts";
import { toGenerateOptions } from "./to-generate-options.ts";
import { toMessages } from "./to-messages.ts";
import { toFinishReason, toUsage } from "./to-result.ts";

/** The part of `FlashVL` that the provider uses. */
export type AiModel = Pick<FlashVL, "stream">;

/** The one text part of an answer. */
const TEXT_ID = "0";

/**
 * A language model for `generateText`, `streamText` and the other functions of the package `ai` (version 7).
 * Pictures come as file parts; URLs are downloaded by the SDK. What FlashVL cannot do (tools, reasoning) becomes a warning.
 *
 * @param modelId the name that answers and telemetry carry
 * @example
 * const model = flashvl(await FlashVL.fromPretrained());
 * const { text } = await generateText({ model, messages: [{ role: "user", content: [{ type: "file", mediaType: "image/jpeg", data: photo }, { type: "text", text: "What is this?" }] }] });
 */
export function flashvl(model: AiModel, modelId = "flashvl"): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "flashvl",
    modelId,
    // None: the SDK then downloads pictures itself, under the application's own rules.
    supportedUrls: {},

    async doGenerate(options): Promise<LanguageModelV4GenerateResult> {
      const { messages, generateOptions, warnings } = prepare(options);
      for await (const part of model.stream(null, messages, generateOptions)) {
        if (!part.done) continue;
        const { result } = part;
        if (result.finishReason === "abort") throw options.abortSignal?.reason;
        return {
          content: [{ type: "text", text: result.text }],
          finishReason: toFinishReason(result.finishReason),
          usage: toUsage(result.usage),
          warnings,
          response: { id: crypto.randomUUID(), timestamp: new Date(), modelId },
        };
      }
      throw new Error("The model's stream ended without a result.");
    },

    async doStream(options): Promise<LanguageModelV4StreamResult> {
      const { messages, generateOptions, warnings } = prepare(options);
      const parts = model.stream(null, messages, generateOptions);
      // The first part is awaited here, so that a request that cannot be answered rejects instead of streaming an error.
      const first = await parts.next();
      async function* all(): AsyncGenerator<LanguageModelV4StreamPart> {
        yield { type: "stream-start", warnings };
        yield { type: "response-metadata", id: crypto.randomUUID(), timestamp: new Date(), modelId };
        yield { type: "text-start", id: TEXT_ID };
        try {
          for (let next = first; !next.done; next = await parts.next()) {
            const part = next.value;
            if (part.text) yield { type: "text-delta", id: TEXT_ID, delta: part.text };
            if (!part.done) continue;
            if (part.result.finishReason === "abort") throw options.abortSignal?.reason;
            yield { type: "text-end", id: TEXT_ID };
            yield {
              type: "finish",
              finishReason: toFinishReason(part.result.finishReason),
              usage: toUsage(part.result.usage),
            };
          }
        } catch (error) {
          yield { type: "error", error };
        } finally {
          await parts.return();
        }
      }
      return { stream: toStream(all()) };
    },
  };
}

function prepare(options: LanguageModelV4CallOptions) {
  const { generateOptions, warnings } = toGenerateOptions(options);
  return { messages: toMessages(options.prompt), generateOptions, warnings };
}

/** A stream that is read one part at a time; cancelling it cancels the answer. */
function toStream<Part>(parts: AsyncGenerator<Part>): ReadableStream<Part> {
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await parts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** @file Wraps a FlashVL model as a language model of the Vercel AI SDK, specification v3, which its versions 6 and 7 take. */
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3Content,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3StreamResult,
} from "@ai-sdk/provider";
import type { FlashVL } from "../engine/index.ts";
import { PartCollector } from "./part-collector.ts";
import { toGenerateOptions } from "./to-generate-options.ts";
import { toMessages } from "./to-messages.ts";
import { toFinishReason, toUsage } from "./to-result.ts";

/** The part of `FlashVL` that the provider uses. */
export type AiModel = Pick<FlashVL, "stream"> & Partial<Pick<FlashVL, "card">>;

/**
 * A language model for `generateText`, `streamText` and the other functions of the package `ai` (versions 6 and 7).
 * Pictures come as file parts; URLs are downloaded by the SDK. Calls of functions and the model's working come as
 * parts of their own. What FlashVL cannot do becomes a warning.
 *
 * @param modelId the name that answers and telemetry carry
 * @example
 * const model = flashvl(await FlashVL.fromPretrained());
 * const { text } = await generateText({ model, messages: [{ role: "user", content: [{ type: "file", mediaType: "image/jpeg", data: photo }, { type: "text", text: "What is this?" }] }] });
 */
export function flashvl(model: AiModel, modelId = "flashvl"): LanguageModelV3 {
  return {
    specificationVersion: "v3",
    provider: "flashvl",
    modelId,
    // None: the SDK then downloads pictures itself, under the application's own rules.
    supportedUrls: {},

    async doGenerate(options): Promise<LanguageModelV3GenerateResult> {
      const { messages, generateOptions, warnings, split } = prepare(model, options);
      const content: LanguageModelV3Content[] = [];
      const parts = new PartCollector(split);
      for await (const part of model.stream(null, messages, generateOptions)) {
        for (const piece of part.done ? parts.end() : parts.push(part.text)) content.push(...piece.content);
        if (!part.done) continue;
        const { finishReason, usage } = part.result;
        if (finishReason === "abort") throw options.abortSignal?.reason;
        return {
          content: content.length > 0 ? content : [{ type: "text", text: "" }],
          finishReason: toFinishReason(finishReason, parts.called),
          usage: toUsage(usage),
          warnings,
          response: { id: crypto.randomUUID(), timestamp: new Date(), modelId },
        };
      }
      throw new Error("The model's stream ended without a result.");
    },

    async doStream(options): Promise<LanguageModelV3StreamResult> {
      const { messages, generateOptions, warnings, split } = prepare(model, options);
      const answer = model.stream(null, messages, generateOptions);
      // The first part is awaited here, so that a request that cannot be answered rejects instead of streaming an error.
      const first = await answer.next();
      async function* all(): AsyncGenerator<LanguageModelV3StreamPart> {
        yield { type: "stream-start", warnings };
        yield { type: "response-metadata", id: crypto.randomUUID(), timestamp: new Date(), modelId };
        const parts = new PartCollector(split);
        try {
          for (let next = first; !next.done; next = await answer.next()) {
            const part = next.value;
            for (const piece of part.done ? parts.end() : parts.push(part.text)) yield* piece.stream;
            if (!part.done) continue;
            const { finishReason, usage } = part.result;
            if (finishReason === "abort") throw options.abortSignal?.reason;
            yield { type: "finish", finishReason: toFinishReason(finishReason, parts.called), usage: toUsage(usage) };
          }
        } catch (error) {
          yield { type: "error", error };
        } finally {
          await answer.return();
        }
      }
      return { stream: toStream(all()) };
    },
  };
}

function prepare(model: AiModel, options: LanguageModelV3CallOptions) {
  const { generateOptions, warnings } = toGenerateOptions(options);
  const split = {
    reasoning: model.card?.reasoning !== false,
    tools: generateOptions.toolChoice === "none" ? [] : generateOptions.tools?.map(({ name }) => name),
  };
  if (model.card?.reasonFirst) generateOptions.reasonFirst = true;
  return { messages: toMessages(options.prompt), generateOptions, warnings, split };
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

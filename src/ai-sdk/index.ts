/** @file Door of the Vercel AI SDK provider: a FlashVL model in this process as a `LanguageModelV3`. */
export { type AiModel, flashvl } from "./provider.ts";

/** @file Logprobs in OpenAI's chat shape. */
import type { TokenLogprob } from "../../engine/index.ts";
import type { AnswerToken, ChatModel } from "../chat-model.ts";

/** One token with its alternatives, as in `choices[].logprobs.content[]`. */
export interface ApiLogprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs?: ApiLogprob[];
}

/** OpenAI's stand-in for minus infinity, which JSON cannot hold. */
const LEAST_LOGPROB = -9999;

/**
 * A token's logprob with text and bytes (a token may be a part of a character; then only its bytes are exact).
 *
 * @example const entry = toLogprob(model.tokenizer, { token: 42, logprob: -0.1 });
 */
export function toLogprob(tokenizer: ChatModel["tokenizer"], token: AnswerToken): ApiLogprob {
  return {
    ...scored(tokenizer, token),
    top_logprobs: (token.topLogprobs ?? []).map((alternative) => scored(tokenizer, alternative)),
  };
}

function scored(tokenizer: ChatModel["tokenizer"], { token, logprob }: TokenLogprob): ApiLogprob {
  const bytes = tokenizer.tokenBytes(token);
  return { token: Buffer.from(bytes).toString("utf8"), logprob: Math.max(LEAST_LOGPROB, logprob), bytes: [...bytes] };
}

/** @file What several families leave open, the likeliest first. */

import { DEFAULT_SYSTEM_PROMPT, type TokenOrder } from "../../processor/core.ts";

export const TOKEN_ORDERS: readonly TokenOrder[] = ["row-major", "column-major"];

/** FlashVL's text, that of Qwen2.5's own chat template, and none. */
export const SYSTEM_PROMPTS: readonly (string | null)[] = [
  DEFAULT_SYSTEM_PROMPT,
  "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
  null,
];

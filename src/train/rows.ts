/** @file The door to rows of training data alone: what threads that read millions of them load. */

export { ANSWERS, type ConversationOptions, parseConversation } from "./data/parse-conversation.ts";
export { type Preference, parsePreference } from "./data/parse-preference.ts";

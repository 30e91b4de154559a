/** @file Fixed bounds of the server that no flag changes, each with its reason. */

/** OpenAI's own bound on alternative tokens per place. */
export const MAX_TOP_LOGPROBS = 20;
/** Answers per request; each occupies the slot in turn, so one client cannot hold it for long. */
export const MAX_CHOICES = 8;
/** Every stop string is searched for after every token. */
export const MAX_STOP_STRINGS = 16;
/** A stop string longer than this is a mistake, and would hold back as much text. */
export const MAX_STOP_LENGTH = 256;
/** A conversation longer than this no longer fits the model's context. */
export const MAX_MESSAGES = 1024;
/** A biased token costs a map entry per step. */
export const MAX_LOGIT_BIAS = 1024;
/** Functions that a request may describe, and calls of one turn: more do not fit the context anyway. */
export const MAX_TOOLS = 128;
/** A larger JSON schema needs more states than a grammar may have. */
export const MAX_SCHEMA_BYTES = 64 * 1024;
/** Comment lines that keep proxies from closing a quiet stream; most close after 60 s. */
export const PING_INTERVAL_MS = 15_000;
/** How long a streaming request waits for its first token before its headers leave (later errors travel inside the stream). */
export const HEADER_PATIENCE_MS = 15_000;
/** Unread answer bytes that may wait for a slow client before its connection is closed. */
export const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** How often a client that has ended its side of the connection is asked whether it is still there. */
export const HALF_CLOSED_PROBE_MS = 1000;
/** All headers of a request; more is an attack or a mistake. */
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_HEADER_COUNT = 100;
/**
 * How long an unused connection stays open: longer than the minute after which proxies give theirs up, since a server that
 * closes first may meet a request that is on its way, and its client a broken connection.
 */
export const KEEP_ALIVE_MS = 75_000;
/** Sockets open at once; beyond it new connections are closed at once. */
export const MAX_CONNECTIONS = 1024;
/** Longest and shortest wait that Retry-After suggests, in seconds. */
export const MAX_RETRY_AFTER_S = 60;
export const MIN_RETRY_AFTER_S = 1;

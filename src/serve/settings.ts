/** @file Every setting of the server, once: its type, default and meaning; flags, environment and config file all derive from it. */
import { z } from "zod";

const MIB = 1024 * 1024;
const seconds = z.number().positive().max(86_400);
const count = z.number().int().positive();
const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, "must be an origin such as https://a.example");
const names = z.array(z.string().min(1)).default([]);

/** The schema of {@link ServeSettings}; `description` is the flag's help text. */
export const settingsSchema = z.strictObject({
  host: z.string().default("127.0.0.1").describe("address to listen on; 0.0.0.0 opens the server to the network"),
  port: z.number().int().min(0).max(65_535).default(8000).describe("TCP port; 0 takes a free one"),
  socket: z.string().min(1).optional().describe("listen on this Unix socket instead of TCP"),
  tlsCert: z.string().min(1).optional().describe("PEM file with the certificate chain; needs tls-key"),
  tlsKey: z.string().min(1).optional().describe("PEM file with the private key"),
  modelName: names.describe("names under which the model is served; the first is the one it answers with"),
  apiKey: names.describe("keys that clients must send as Authorization: Bearer; none means open"),
  apiKeyFile: z.string().min(1).optional().describe("file with one API key per line"),
  publicMetrics: z.boolean().default(false).describe("serve /metrics without a key"),
  corsOrigin: z.array(origin).default([]).describe("origins whose pages may call the server; none by default"),
  allowedHost: names.describe("further Host names to answer to (a loopback server answers to loopback names only)"),
  pictureHost: names.describe("hosts whose pictures may be fetched by URL; none by default (data: URLs always work)"),
  parallel: count.max(256).default(4).describe("requests that run at once"),
  maxQueue: z.number().int().min(0).max(100_000).default(64).describe("requests that may wait; beyond it 429"),
  maxBodyBytes: count.default(32 * MIB).describe("largest request body in bytes"),
  maxBodyMemoryBytes: count.default(256 * MIB).describe("bytes of all request bodies held at once"),
  maxPictures: z.number().int().min(0).default(8).describe("pictures per request"),
  maxPictureBytes: count.default(20 * MIB).describe("largest picture file in bytes"),
  maxPixels: count
    .default(50_000_000)
    .describe("pixels of all pictures of a request together, checked before decoding"),
  maxTokens: count.default(4096).describe("largest max_completion_tokens a client may ask for"),
  defaultTokens: count.default(1024).describe("max_completion_tokens when a client names none"),
  requestTimeout: seconds.default(600).describe("seconds a request may take, waiting included"),
  bodyTimeout: seconds.default(30).describe("seconds in which a request must have arrived completely"),
  stallTimeout: seconds.default(30).describe("seconds a client may leave a stream unread"),
  drainTimeout: seconds.default(30).describe("seconds that running requests get after SIGTERM"),
  reasoning: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe(
      "tell <think>…</think><answer>…</answer> apart: auto unless the model says that it does not write so; off: raw",
    ),
  reasonFirst: z
    .boolean()
    .default(false)
    .describe("let answers that are held to a schema begin with the model's working"),
  strict: z.boolean().default(false).describe("refuse parameters that have no effect, such as metadata"),
  page: z.boolean().default(true).describe("serve the chat page at /"),
  logLevel: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .default("info")
    .describe("least level logged"),
  logPrompts: z.boolean().default(false).describe("also log the text of prompts and answers"),
});

/** Settings of a server, complete and checked. */
export type ServeSettings = z.infer<typeof settingsSchema>;

/** A setting's name in the three places where it can be given. */
export interface SettingName {
  key: keyof ServeSettings;
  /** Flag without dashes, for example `max-queue`. */
  flag: string;
  /** Environment twin, for example `FLASHVL_MAX_QUEUE`. */
  env: string;
  kind: "string" | "number" | "boolean" | "list";
  description: string;
  default: unknown;
}

/**
 * All settings with their flag and environment names, in the order in which help shows them.
 *
 * @example for (const { flag, env } of settingNames()) console.log(`--${flag}`, env);
 */
export function settingNames(): SettingName[] {
  const defaults: Record<string, unknown> = settingsSchema.parse({});
  return Object.entries(settingsSchema.shape).map(([name, field]) => {
    const key = name as keyof ServeSettings;
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return {
      key,
      flag,
      env: `FLASHVL_${flag.replaceAll("-", "_").toUpperCase()}`,
      kind: kindOf(field),
      description: field.description ?? "",
      default: defaults[key],
    };
  });
}

/** A setting that cannot be. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** The sources of settings, strongest first. */
export interface SettingSources {
  flags?: Record<string, unknown>;
  env?: Record<string, string | undefined>;
  config?: unknown;
}

/**
 * Merges flags over environment over config file over defaults and checks the result.
 * Throws an Error that names the faulty setting and where it came from.
 *
 * @example const settings = readSettings({ flags: { port: 9000 }, env: process.env });
 */
export function readSettings({ flags = {}, env = {}, config = {} }: SettingSources = {}): ServeSettings {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new SettingsError("The config file must hold an object of settings, for example { port: 9000 }.");
  }
  const merged: Record<string, unknown> = { ...config };
  const origin: Record<string, string> = Object.fromEntries(
    Object.keys(config).map((key) => [key, `"${key}" in the config file`]),
  );
  for (const setting of settingNames()) {
    const text = env[setting.env];
    if (text !== undefined && text !== "") {
      merged[setting.key] = fromText(text, setting.kind);
      origin[setting.key] = setting.env;
    }
    if (flags[setting.key] !== undefined) {
      const value = flags[setting.key];
      merged[setting.key] = typeof value === "string" ? fromText(value, setting.kind) : value;
      origin[setting.key] = `--${setting.flag}`;
    }
  }
  const parsed = settingsSchema.safeParse(merged);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const key = String(issue.path[0] ?? "");
    throw new SettingsError(`Setting ${origin[key] ?? (key || "in the config file")}: ${issue.message}.`);
  }
  const { tlsCert, tlsKey } = parsed.data;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new SettingsError("TLS needs both --tls-cert and --tls-key; only one was given.");
  }
  return parsed.data;
}

function kindOf(field: z.ZodType): SettingName["kind"] {
  let inner: z.ZodType = field;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) inner = inner.unwrap() as z.ZodType;
  if (inner instanceof z.ZodArray) return "list";
  if (inner instanceof z.ZodNumber) return "number";
  return inner instanceof z.ZodBoolean ? "boolean" : "string";
}

/** How a switch may be written. */
const SWITCH = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

function fromText(text: string, kind: SettingName["kind"]): unknown {
  if (kind === "list")
    return text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
  if (kind === "number") return text.trim() === "" ? text : Number(text);
  if (kind === "boolean") return SWITCH.get(text.toLowerCase()) ?? text;
  return text;
}

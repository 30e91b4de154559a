/** @file Where the cache lies, which hub is asked and with which token: the same environment that Python's huggingface_hub reads. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { HubError } from "./errors.ts";

/** The settings after options and environment have been merged. */
export interface HubSettings {
  cacheDir: string;
  /** Whether the user named it; another place is then not taken instead. */
  cacheIsNamed: boolean;
  /** Without a slash at the end. */
  endpoint: string;
  token: string | undefined;
  offline: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Options first, then the environment, then the defaults (huggingface_hub/constants.py): cache in HF_HUB_CACHE,
 * HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub; token from HF_TOKEN or
 * the file HF_TOKEN_PATH ($HF_HOME/token).
 *
 * @throws HubError "bad-name" when the endpoint is not an http(s) address
 * @example const { cacheDir } = await readSettings({});
 */
export async function readSettings(
  options: { cacheDir?: string; endpoint?: string; token?: string; offline?: boolean },
  env: Env = process.env,
): Promise<HubSettings> {
  const home = expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join("~", ".cache"), "huggingface"));
  const named = options.cacheDir || env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  const cacheDir = named || join(home, "hub");
  const endpoint = (options.endpoint || env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ""))
    throw new HubError(
      "bad-name",
      `the hub's address ${JSON.stringify(endpoint)} (HF_ENDPOINT) is not an http or https URL`,
    );
  const token =
    options.token ??
    (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)
      ? undefined
      : env.HF_TOKEN ||
        env.HUGGING_FACE_HUB_TOKEN ||
        (await readToken(expand(env.HF_TOKEN_PATH || join(home, "token")))));
  return {
    cacheDir: expand(cacheDir),
    cacheIsNamed: Boolean(named || env.HF_HOME),
    endpoint,
    token: token?.trim() || undefined,
    offline: options.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
  };
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
}

function expand(path: string): string {
  return resolve(path.replace(/^~(?=$|[/\\])/, homedir()));
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined; // no file, or not ours to read: then the request goes out without a token
  }
}

/** @file Requests to a hub: redirects that never carry the token away, stalled connections cut, answers turned into errors with advice. */
import { HubError } from "./errors.ts";
import type { HubSettings } from "./settings.ts";
import type { HubSystem } from "./system.ts";

/** Everything that a request needs. */
export interface Hub extends Pick<HubSettings, "endpoint" | "token"> {
  system: HubSystem;
  signal: AbortSignal | undefined;
}

/** Trouble that may pass: the request is worth repeating. */
export class TemporaryError extends Error {
  override readonly name = "TemporaryError";
  /** What the server asked for in Retry-After. */
  readonly waitMs: number | undefined;
  /** Set when bytes arrived before the trouble, so that the count of failures starts anew. */
  progressed = false;

  constructor(message: string, options?: ErrorOptions & { waitMs?: number }) {
    super(message, options);
    this.waitMs = options?.waitMs;
  }
}

interface Request {
  method?: "GET" | "HEAD";
  headers?: Record<string, string>;
  /** Return a redirect to another server instead of following it. */
  stopAtBorder?: boolean;
}

/** More hops than any hub makes are a loop. */
const MAX_REDIRECTS = 8;

/**
 * Sends one request and follows redirects; the token goes to the hub's own origin only. No status is an error here.
 *
 * @throws TemporaryError when no answer came; HubError "network" for certificates and bad redirects
 */
export async function send(hub: Hub, address: string, request: Request = {}): Promise<Response> {
  const home = new URL(hub.endpoint);
  let url = new URL(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers: Record<string, string> = {
      "user-agent": "flashvl",
      "accept-encoding": "identity",
      ...request.headers,
    };
    if (hub.token && url.origin === home.origin) headers.authorization = `Bearer ${hub.token}`;
    const response = await sendOnce(hub, url, { method: request.method ?? "GET", headers });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || !location || response.status === 304) return response;
    if (!URL.canParse(location, url.href))
      throw new HubError("network", `${url.href} redirects to ${JSON.stringify(location)}, which is not a URL`);
    const next = new URL(location, url);
    if (request.stopAtBorder && next.origin !== url.origin) return response;
    await discard(response);
    const downgrade = url.protocol === "https:" && next.protocol !== "https:";
    if (downgrade || !/^https?:$/.test(next.protocol))
      throw new HubError(
        "network",
        `${url.origin} redirects to ${next.protocol}//${next.host}, which is not safe to follow`,
      );
    url = next;
  }
  throw new HubError("network", `${address}: more than ${MAX_REDIRECTS} redirects`);
}

async function sendOnce(hub: Hub, url: URL, init: { method: string; headers: Record<string, string> }) {
  const watch = new IdleWatch(hub);
  try {
    return await hub.system.fetch(url, { ...init, redirect: "manual", signal: watch.signal });
  } catch (error) {
    throw explain(hub, url, error, watch);
  } finally {
    watch.stop();
  }
}

/** The body of an answer chunk by chunk; a connection that is cut or stalls ends in a TemporaryError. */
export async function* bodyOf(hub: Hub, response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const url = new URL(response.url);
  const reader = response.body.getReader();
  const watch = new IdleWatch(hub);
  // Reading cannot be given a signal: cancelling the reader makes a waiting read return.
  const cancel = () => void reader.cancel().catch(() => {});
  watch.signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      watch.touch(); // the time that the caller took with the last chunk is not the server's
      const { done, value } = await reader.read();
      if (watch.signal.aborted) throw watch.signal.reason;
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw explain(hub, url, error, watch);
  } finally {
    watch.signal.removeEventListener("abort", cancel);
    watch.stop();
    cancel();
  }
}

/** Lets go of an answer whose body is not wanted, so that its connection is freed. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** A signal that fires when the caller's does, or when nothing has arrived for the idle time. */
class IdleWatch {
  readonly signal: AbortSignal;
  stalled = false;
  private readonly timer: ReturnType<HubSystem["startTimer"]>;

  constructor(hub: Hub) {
    const own = new AbortController();
    this.signal = hub.signal ? AbortSignal.any([own.signal, hub.signal]) : own.signal;
    this.timer = hub.system.startTimer(hub.system.idleMs, () => {
      this.stalled = true;
      own.abort(new Error("stalled"));
    });
  }

  touch(): void {
    this.timer.refresh();
  }

  stop(): void {
    this.timer.clear();
  }
}

function explain(hub: Hub, url: URL, error: unknown, watch: IdleWatch): unknown {
  if (watch.stalled) return new TemporaryError(`${url.host} sent nothing for ${hub.system.idleMs / 1000} s`);
  if (watch.signal.aborted) return watch.signal.reason;
  if (!(error instanceof Error)) return error;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  const code = cause?.code ?? "";
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return new HubError(
      "network",
      `${url.host} has a certificate that this machine does not trust (${code}); behind a proxy, set NODE_EXTRA_CA_CERTS`,
      { cause: error },
    );
  const why = cause?.message || code || error.message;
  return new TemporaryError(`the connection to ${url.host} failed (${why})${proxyAdvice(process.env)}`, {
    cause: error,
  });
}

/** Node's fetch goes past a proxy unless it is told otherwise, which newer versions can be. */
function proxyAdvice(env: NodeJS.ProcessEnv): string {
  const proxy = env.HTTPS_PROXY || env.https_proxy || env.HTTP_PROXY || env.http_proxy;
  return proxy && !env.NODE_USE_ENV_PROXY
    ? "; the proxy that HTTPS_PROXY names is used with NODE_USE_ENV_PROXY=1 (Node 24)"
    : "";
}

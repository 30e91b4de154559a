/** @file Starts a server: context, sockets (TCP, Unix or TLS), readiness while the model loads, and the drain at the end. */
import { readFileSync } from "node:fs";
import {
  createServer as createHttpServer,
  type ServerOptions as NodeServerOptions,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { loadDecoder } from "../processor/index.ts";
import { createApp } from "./app.ts";
import { BodyBudget } from "./body-budget.ts";
import type { ChatModel } from "./chat-model.ts";
import type { ServeContext } from "./context.ts";
import { prepareDrain } from "./drain.ts";
import { ApiError } from "./errors.ts";
import { answerHalfClosed } from "./half-closed.ts";
import { KEEP_ALIVE_MS, MAX_CONNECTIONS, MAX_HEADER_BYTES, MAX_HEADER_COUNT } from "./limits.ts";
import { listen } from "./listen.ts";
import { createLog, type Logger } from "./log.ts";
import { answerUnreadable, refuseMalformed } from "./malformed.ts";
import { ServerMetrics } from "./metrics.ts";
import { type PictureLoader, pictureLoader } from "./pictures.ts";
import { AdmissionQueue } from "./queue.ts";
import { readSettings, type ServeSettings, SettingsError } from "./settings.ts";
import { fingerprintOf } from "./version.ts";

/** What a server is made of; all but the model has a default. */
export interface ServerOptions {
  /** The model, or the promise of one: the server listens at once and is ready when it resolves. */
  model: ChatModel | Promise<ChatModel>;
  settings?: Partial<ServeSettings>;
  log?: Logger;
  pictures?: PictureLoader;
}

/** A listening server. */
export interface RunningServer {
  /** Base URL, for example `http://127.0.0.1:8000`; `unix:<path>` on a Unix socket. */
  url: string;
  context: ServeContext;
  /**
   * Stops taking requests, lets the running and waiting ones finish for at most `drainTimeout` seconds, aborts the rest
   * and closes every socket. A second call returns the same promise.
   */
  close(): Promise<void>;
}

/**
 * Starts a server; `startServer` is this behind a lazy import.
 *
 * @example const server = await openServer({ model });
 */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const settings = withKeyFile(readSettings({ flags: options.settings }));
  const log = options.log ?? createLog(settings.logLevel);
  const closing = new AbortController();
  let draining = false;
  let model: ChatModel | undefined;
  let failure: unknown;
  const loading = Promise.all([options.model, loadDecoder()]).then(
    ([loaded]) => {
      model = loaded;
      log.info("model loaded");
    },
    (error: unknown) => {
      failure = error;
      log.error({ err: error }, "the model could not be loaded");
    },
  );
  const queue = new AdmissionQueue(settings.parallel, settings.maxQueue);
  const bodies = new BodyBudget(settings.maxBodyBytes, settings.maxBodyMemoryBytes);
  const context: ServeContext = {
    settings,
    model() {
      if (model) return model;
      const [message, code] = failure
        ? ["The model could not be loaded; the server's log has the cause.", "model_failed"]
        : ["The model is still loading.", "model_loading"];
      throw new ApiError(503, message, { code, headers: { "retry-after": "5" } });
    },
    loaded: () => model,
    queue,
    bodies,
    metrics: new ServerMetrics({
      modelName: settings.modelName[0] ?? "flashvl",
      queue,
      bodyBytes: () => bodies.held,
      stats: () => model?.stats?.(),
    }),
    pictures: options.pictures ?? pictureLoader(settings),
    log,
    closing: closing.signal,
    isDraining: () => draining,
    fingerprint: () => fingerprintOf(model?.info),
    startedAt: Math.floor(Date.now() / 1000),
  };
  if (!(options.model instanceof Promise)) await loading;

  const server = createSocketServer(settings, createApp(context));
  const drain = prepareDrain(server, queue, settings.drainTimeout * 1000, () => closing.abort());
  const url = await listen(server, settings);
  log.info({ url }, "listening");
  if (settings.apiKey.length === 0 && !settings.socket && !["127.0.0.1", "::1", "localhost"].includes(settings.host)) {
    log.warn("The server is open to the network without an API key; set --api-key or --api-key-file.");
  }

  const close = async () => {
    draining = true;
    log.info({ running: queue.running, waiting: queue.waiting }, "draining");
    await drain();
    log.info("closed");
  };
  let closed: Promise<void> | undefined;
  return {
    url,
    context,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

function createSocketServer(settings: ServeSettings, app: ReturnType<typeof createApp>): Server {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: refuseMalformed });
  const options = {
    // A request without a Host header is refused where the others are.
    requireHostHeader: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: settings.bodyTimeout * 1000,
    requestTimeout: settings.bodyTimeout * 1000,
    // Timeouts of unfinished requests are looked for this often.
    connectionsCheckingInterval: Math.min(1000, settings.bodyTimeout * 250),
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const { tlsCert, tlsKey } = settings;
  const server: Server =
    tlsCert && tlsKey
      ? secureServer(options, readPem(tlsCert, "--tls-cert"), readPem(tlsKey, "--tls-key"), listener)
      : createHttpServer(options, listener);
  server.on("clientError", answerUnreadable);
  server.maxHeadersCount = MAX_HEADER_COUNT;
  answerHalfClosed(server);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function secureServer(options: NodeServerOptions, cert: Buffer, key: Buffer, listener: RequestListener): Server {
  try {
    return createHttpsServer({ ...options, cert, key }, listener);
  } catch (cause) {
    const message = `--tls-cert and --tls-key: the files hold no certificate and key that belong together: ${(cause as Error).message}.`;
    throw Object.assign(new Error(message, { cause }), { code: "invalid" });
  }
}

/** An error about a file, with the code by which the command line chooses its exit code. */
const unreadable = (message: string, cause: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code: (cause as NodeJS.ErrnoException).code });

function readPem(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(`${flag}: cannot read ${path}. Give the path of a PEM file.`, cause);
  }
}

function withKeyFile(settings: ServeSettings): ServeSettings {
  if (!settings.apiKeyFile) return settings;
  let text: string;
  try {
    text = readFileSync(settings.apiKeyFile, "utf8");
  } catch (cause) {
    throw unreadable(`--api-key-file: cannot read ${settings.apiKeyFile}.`, cause);
  }
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  // An empty file must not open the server to everybody.
  if (keys.length === 0)
    throw new SettingsError(`--api-key-file: ${settings.apiKeyFile} holds no key; write one key per line.`);
  return { ...settings, apiKey: [...settings.apiKey, ...keys] };
}

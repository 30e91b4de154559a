/** @file What every route of one server shares. */
import type { HttpBindings } from "@hono/node-server";
import type { BodyBudget } from "./body-budget.ts";
import type { ChatModel } from "./chat-model.ts";
import type { Logger } from "./log.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { PictureLoader } from "./pictures.ts";
import type { AdmissionQueue } from "./queue.ts";
import type { ServeSettings } from "./settings.ts";

/** The parts of a running server that its routes use. */
export interface ServeContext {
  settings: ServeSettings;
  /** The loaded model; throws {@link ApiError} 503 while it loads, or when loading failed. */
  model(): ChatModel;
  /** The model where it is loaded. */
  loaded(): ChatModel | undefined;
  queue: AdmissionQueue;
  bodies: BodyBudget;
  metrics: ServerMetrics;
  pictures: PictureLoader;
  log: Logger;
  /** Aborts when the drain's time is over. */
  closing: AbortSignal;
  /** Whether SIGTERM has been received. */
  isDraining(): boolean;
  /** Names the combination of package and model: equal names, equal answers to equal requests with a seed. */
  fingerprint(): string;
  /** Unix seconds at which the server started, the `created` of its models. */
  startedAt: number;
}

/** Hono's environment: what the middleware leaves for the routes. */
export interface ServeEnv {
  /** Node's side of the request; absent when the app is called without a socket. */
  Bindings: Partial<HttpBindings>;
  Variables: { requestId: string; log: Logger; arrived: number };
}

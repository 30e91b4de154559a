/** @file Starts servers for tests on a free port and closes them when the test ends. */
import { onTestFinished, vi } from "vitest";
import {
  type ChatModel,
  type PictureLoader,
  type RunningServer,
  type ServeSettings,
  startServer,
} from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { FakeModel } from "./fake-model.ts";

/** What a test may change about its server. */
export interface StartOptions {
  model?: ChatModel | Promise<ChatModel>;
  settings?: Partial<ServeSettings>;
  pictures?: PictureLoader;
  /** Receives the log's lines. */
  onLog?: (line: string) => void;
}

/** A server on a free loopback port, closed when the test is over. */
export async function start({
  model = new FakeModel(),
  settings,
  pictures,
  onLog,
}: StartOptions = {}): Promise<RunningServer> {
  const log = onLog ? createLog("debug", { write: onLog }) : createLog("silent");
  const server = await startServer({ model, log, pictures, settings: { port: 0, drainTimeout: 0.2, ...settings } });
  onTestFinished(() => server.close());
  return server;
}

/** POSTs JSON to a server. */
export function post(server: RunningServer, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(server.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...init,
    headers: { "content-type": "application/json", ...(init.headers as Record<string, string>) },
  });
}

/** A gate that holds whoever waits on it until `open` is called. */
export function gate(): { wait: Promise<void>; open(): void } {
  let open = () => {};
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait, open };
}

/** Waits until `check` stops throwing; patient, since a busy machine is slow and a broken server is never right. */
export function until(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 120_000, interval: 5 });
}

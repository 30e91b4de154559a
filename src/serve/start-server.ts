/** @file Loads the server's code when a server is started, so that programs which only read its settings start quickly. */
import type { RunningServer, ServerOptions } from "./server.ts";

/**
 * Starts a server and resolves when it listens. Throws an Error when it cannot (port taken, faulty settings or TLS files).
 *
 * @example
 * const server = await startServer({ model: FlashVL.fromPretrained(), settings: { port: 8000 } });
 * process.once("SIGTERM", () => server.close());
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { openServer } = await import("./server.ts");
  return openServer(options);
}

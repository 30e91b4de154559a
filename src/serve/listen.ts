/** @file Binds a server to its TCP port or Unix socket. */
import { existsSync, statSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { type ServeSettings, SettingsError } from "./settings.ts";

/**
 * Resolves with the server's URL when it listens. Throws an Error that says what to do when the place is taken.
 *
 * @example const url = await listen(server, settings);
 */
export async function listen(server: Server, settings: ServeSettings): Promise<string> {
  if (settings.socket) await removeDeadSocket(settings.socket);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, settings)));
    const done = () => {
      server.removeAllListeners("error");
      resolve();
    };
    if (settings.socket) server.listen({ path: settings.socket }, done);
    else server.listen({ host: settings.host, port: settings.port }, done);
  });
  const address = server.address();
  if (address === null || typeof address === "string") return `unix:${settings.socket}`;
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  return `${settings.tlsCert ? "https" : "http"}://${host}:${address.port}`;
}

function explain(error: NodeJS.ErrnoException, { host, port, socket }: ServeSettings): Error {
  if (error.code === "EADDRINUSE") {
    return new SettingsError(
      `${socket ?? `Port ${port} of ${host}`} is taken by another process. Choose another with ${socket ? "--socket" : "--port"}.`,
      { cause: error },
    );
  }
  if (error.code === "EACCES") {
    return new SettingsError(
      `This user may not listen on ${socket ?? `port ${port}`}. Ports below 1024 need privileges; choose another.`,
      { cause: error },
    );
  }
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return new SettingsError(`${host} is no address of this machine. Choose another with --host.`, { cause: error });
  if (socket) return new SettingsError(`--socket: cannot listen on ${socket}: ${error.message}.`, { cause: error });
  return error;
}

/** A killed server leaves its socket file behind; one that nobody answers on is removed, a live one is left alone. */
async function removeDeadSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!statSync(path).isSocket())
    throw new SettingsError(`--socket: ${path} exists and is not a socket. Choose another path.`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    }).on("error", () => resolve(false));
  });
  if (!alive) unlinkSync(path);
}

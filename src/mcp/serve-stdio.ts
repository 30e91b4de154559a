/** @file The MCP server over standard input and output, as desktop assistants start it. */
import { Writable } from "node:stream";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { createMcpServer, type McpModel, type McpOptions } from "./create-server.ts";

/**
 * Serves until the client closes standard input. Meanwhile, and already while the model loads, standard output belongs to the
 * protocol: what anything else in this process writes to it goes to standard error.
 * @throws what loading the model throws
 *
 * @example await serveMcpStdio(model);
 */
export async function serveMcpStdio(model: McpModel | Promise<McpModel>, options: McpOptions = {}): Promise<void> {
  const { stdin, stdout, stderr } = process;
  const ended = new Promise<void>((resolve) => stdin.once("end", resolve).once("close", resolve));
  const write = stdout.write.bind(stdout) as (chunk: Uint8Array, done: (error?: Error | null) => void) => boolean;
  const protocol = new Writable({ write: (chunk, _encoding, done) => void write(chunk, done) });
  const own = Object.getOwnPropertyDescriptor(stdout, "write");
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  try {
    const loaded = await model;
    const handle = serveStdio(() => createMcpServer(loaded, { allowPaths: true, ...options }), {
      transport: new StdioServerTransport(stdin, protocol),
    });
    await ended;
    await handle.close();
  } finally {
    if (own) Object.defineProperty(stdout, "write", own);
    else Reflect.deleteProperty(stdout, "write");
  }
}

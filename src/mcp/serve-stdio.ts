/** @file The MCP server over standard input and output, as desktop assistants start it. */
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createMcpServer, type McpModel, type McpOptions } from "./create-server.ts";

/**
 * Serves until the client closes standard input; nothing else may write to standard output meanwhile.
 *
 * @example await serveMcpStdio(model);
 */
export async function serveMcpStdio(model: McpModel, options: McpOptions = {}): Promise<void> {
  const ended = new Promise<void>((resolve) => process.stdin.once("end", resolve).once("close", resolve));
  const handle = serveStdio(() => createMcpServer(model, { allowPaths: true, ...options }));
  await ended;
  await handle.close();
}

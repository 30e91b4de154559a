/** @file The MCP server over HTTP: stateless, at /mcp, on loopback unless told otherwise. */
import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { createMcpServer, type McpModel, type McpOptions } from "./create-server.ts";

/** Largest request body: a picture of 20 MB as base64, and some text. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Where and for whom the server listens. */
export interface McpHttpOptions extends McpOptions {
  host?: string;
  /** 0 takes a free port. */
  port?: number;
  /** Clients must send it as Authorization: Bearer; needed for any host but loopback. */
  apiKey?: string;
}

/** A listening MCP server. */
export interface McpHttp {
  /** The address that clients are given, for example `http://127.0.0.1:8090/mcp`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves MCP over HTTP, for clients of the 2025 and the 2026 protocol.
 * Throws an Error for a host that is open to a network without a key.
 *
 * @example const { url, close } = await serveMcpHttp(model, { port: 8090 });
 */
export async function serveMcpHttp(model: McpModel, options: McpHttpOptions = {}): Promise<McpHttp> {
  const { host = "127.0.0.1", port = 8090, apiKey, ...rest } = options;
  const loopback = ["127.0.0.1", "::1", "localhost"].includes(host);
  if (!loopback && !apiKey) throw new Error(`Listening on ${host} opens the model to the network; set an API key.`);
  const handler = createMcpHandler(() => createMcpServer(model, rest), { maxRequestBodySize: MAX_BODY_BYTES });
  const fetch = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== "/mcp") return new Response("There is only /mcp here.\n", { status: 404 });
    // A page whose name is re-pointed to loopback still sends its own name and origin.
    const foreign = loopback
      ? (hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins()))
      : undefined;
    if (foreign) return foreign;
    if (apiKey && !sameKey(request.headers.get("authorization") ?? "", `Bearer ${apiKey}`)) {
      return new Response("A valid API key is missing. Send it as Authorization: Bearer <key>.\n", {
        status: 401,
        headers: { "www-authenticate": "Bearer" },
      });
    }
    return handler.fetch(request);
  };
  const server = createServer(getRequestListener(fetch, { overrideGlobalObjects: false }));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ host, port }, resolve));
  const address = server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}/mcp`,
    async close() {
      await handler.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Compares without telling by its time how much of the key was right; only the lengths may show. */
function sameKey(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

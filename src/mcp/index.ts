/** @file Door of the MCP server: tools by which assistants ask a FlashVL model about pictures. */
export { createMcpServer, type McpModel, type McpOptions } from "./create-server.ts";
export { type McpHttp, serveMcpHttp } from "./serve-http.ts";
export { serveMcpStdio } from "./serve-stdio.ts";

/** @file `flashvl mcp [MODEL]`: tools about pictures for assistants that speak MCP, over stdio or HTTP. */
import type { Command } from "commander";
import { needPackage } from "../../common/node.ts";
import { addEngineOptions, openEngine, type RunOptions } from "../open-engine.ts";
import { parseNumber } from "../parse-number.ts";
import { addHubOptions, type CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";

interface Options extends RunOptions, CommonOptions {
  http?: boolean;
  host: string;
  port: number;
  apiKey?: string;
  pictureHost?: string[];
  maxTokens: number;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("mcp")
    .description("offer ask_image, describe_image and extract_json to assistants that speak MCP")
    .argument("[model]", "a folder or org/name[@revision] (default: the model that ships with the package)")
    .option("--http", "serve over HTTP at /mcp instead of standard input and output")
    .option("--host <address>", "address for --http", "127.0.0.1")
    .option("--port <n>", "port for --http; 0 takes a free one", parseNumber({ least: 0, whole: true }), 8090)
    .option("--api-key <key>", "key that clients of --http must send; needed for any host but loopback")
    .option("--picture-host <host>", "host whose pictures may be fetched by URL; may be given several times", collect)
    .option("--max-tokens <n>", "longest answer", parseNumber({ least: 1, whole: true }), 1024)
    .addHelpText("after", "\nExamples:\n  flashvl mcp\n  flashvl mcp --http --port 8090")
    .action((model: string | undefined, options: Options) => mcp(model, options));
  addHubOptions(addEngineOptions(command));
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

async function mcp(name: string | undefined, options: Options): Promise<void> {
  await withInterrupt(async (signal) => {
    needPackage("The MCP server", "@modelcontextprotocol/server");
    const { serveMcpHttp, serveMcpStdio } = await import("../../mcp/index.ts");
    const loading = openEngine({ ...options, model: name ?? options.model }, signal);
    const { host, port, apiKey, maxTokens, pictureHost: pictureHosts } = options;
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    try {
      if (!options.http) return await Promise.race([serveMcpStdio(loading, { pictureHosts, maxTokens }), aborted]);
      const model = await loading;
      const { url, close } = await serveMcpHttp(model, { host, port, apiKey, pictureHosts, maxTokens });
      process.stdout.write(options.json ? `${JSON.stringify({ url })}\n` : `Listening on ${url}\n`);
      await aborted;
      await close();
    } finally {
      await loading.then(
        (model) => model.dispose(),
        () => {},
      );
    }
  });
}

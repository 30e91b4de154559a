/** @file `flashvl serve [MODEL]`: the OpenAI-compatible server, until Ctrl-C or SIGTERM drains it. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import { type RunningServer, type SettingName, settingNames } from "../../serve/index.ts";
import { ExitCode } from "../exit-code.ts";
import { BadInputError } from "../fail.ts";
import { addEngineOptions, openEngine, type RunOptions } from "../open-engine.ts";
import { addHubOptions, type CommonOptions } from "../shared-options.ts";

type Options = RunOptions & CommonOptions & { config?: string } & Record<string, unknown>;

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("serve")
    .description("serve a model over HTTP as the OpenAI API does, with a chat page at /")
    .argument("[model]", "a folder or org/name[@revision] (default: the model that ships with the package)")
    .option("--config <file>", "JSON or YAML file with any of the settings below, for example { port: 9000 }")
    .addHelpText(
      "after",
      '\nExamples:\n  flashvl serve\n  flashvl serve ./checkpoint --port 9000 --api-key "$KEY"\n  flashvl serve --host 0.0.0.0 --picture-host images.example.com',
    )
    .action((model: string | undefined, options: Options, self: Command) => serve(model, options, self));
  addHubOptions(addEngineOptions(command));
  for (const setting of settingNames()) addSetting(command, setting);
}

function addSetting(command: Command, { flag, kind, description, default: fallback }: SettingName): void {
  const told = fallback === undefined || kind === "list" ? description : `${description} (default: ${fallback})`;
  if (kind === "boolean")
    command.option(fallback ? `--no-${flag}` : `--${flag}`, fallback ? `do not ${description}` : description);
  else if (kind === "list") {
    const collect = (value: string, before: string[] | undefined) => [
      ...(before ?? []),
      ...value.split(",").map((part) => part.trim()),
    ];
    command.option(`--${flag} <value>`, `${description}; may be given several times`, collect);
  } else command.option(`--${flag} <${kind === "number" ? "n" : "value"}>`, told);
}

async function serve(name: string | undefined, options: Options, command: Command): Promise<void> {
  const { readSettings, startServer } = await import("../../serve/index.ts");
  // Only what somebody set: commander's own defaults must not win over the config file.
  const set = settingNames().filter(({ key }) => ["cli", "env"].includes(command.getOptionValueSource(key) ?? ""));
  const flags = Object.fromEntries(set.map(({ key }) => [key, options[key]]));
  const settings = readSettings({ flags, env: process.env, config: await readConfig(options.config) });
  const model = name ?? options.model;
  if (settings.modelName.length === 0) settings.modelName = [nameOf(model)];

  const abort = new AbortController();
  const loading = openEngine({ ...options, model, maxBatch: settings.parallel }, abort.signal);
  let server: RunningServer;
  try {
    server = await startServer({ model: loading, settings });
  } catch (error) {
    abort.abort(error);
    await loading.then(
      (loaded) => loaded.dispose(),
      () => {},
    );
    throw error;
  }
  process.stdout.write(options.json ? `${JSON.stringify({ url: server.url })}\n` : `Listening on ${server.url}\n`);
  const ended = whenAsked(server);
  try {
    // A model that cannot be loaded ends the server; a server that is asked to end does not wait for its model.
    await Promise.race([loading.then(() => ended), ended]);
  } finally {
    abort.abort(new Error("The server has ended."));
    await server.close();
    await loading.then(
      (loaded) => loaded.dispose(),
      () => {},
    );
  }
}

/** Resolves when a signal has asked the server to end and it has; a second signal ends the process at once. */
function whenAsked(server: RunningServer): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(ExitCode.interrupted);
        asked = true;
        void server.close().then(resolve);
      });
    }
  });
}

async function readConfig(file: string | undefined): Promise<unknown> {
  if (file === undefined) return {};
  const { parse } = await import("yaml");
  const text = await readFile(file, "utf8");
  try {
    return parse(text) ?? {};
  } catch (cause) {
    throw new BadInputError(`${file} is neither JSON nor YAML: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** The name clients see: the last part of a path, a hub name as it is. */
function nameOf(model: string | undefined): string {
  if (model === undefined) return "flashvl";
  return /^[\w.-]+\/[\w.-]+(@.+)?$/.test(model) && !model.startsWith(".") ? model : basename(model);
}

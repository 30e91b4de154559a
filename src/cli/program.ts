/** @file The command line as a whole: which commands there are and what all of them share. */
import { createRequire } from "node:module";
import type { Command, OutputConfiguration } from "commander";
import { register as registerCache } from "./commands/cache.ts";
import { register as registerChat } from "./commands/chat.ts";
import { register as registerCheck } from "./commands/check.ts";
import { register as registerCompile } from "./commands/compile.ts";
import { register as registerData } from "./commands/data.ts";
import { register as registerEval } from "./commands/eval.ts";
import { register as registerExport } from "./commands/export.ts";
import { register as registerInit } from "./commands/init.ts";
import { register as registerInspect } from "./commands/inspect.ts";
import { register as registerMcp } from "./commands/mcp.ts";
import { register as registerPull } from "./commands/pull.ts";
import { register as registerPush } from "./commands/push.ts";
import { register as registerServe } from "./commands/serve.ts";
import { register as registerTrain } from "./commands/train.ts";
import { CommandWithTwins } from "./environment.ts";
import { addCommonOptions } from "./shared-options.ts";

const { version, description } = createRequire(import.meta.url)("../../package.json") as {
  version: string;
  description: string;
};

/** Every command; a file in commands/ exports `register`, which adds one command to the program. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  registerChat,
  registerServe,
  registerMcp,
  registerPull,
  registerPush,
  registerInspect,
  registerCompile,
  registerExport,
  registerCheck,
  registerCache,
  registerInit,
  registerEval,
  registerTrain,
  registerData,
];

/**
 * The program, ready to parse; `output` says where the parser's own words go. Commands load the rooms that they need when they run, so that help and version are quick.
 */
export function buildProgram(output: OutputConfiguration = {}): Command {
  const program = new CommandWithTwins("flashvl")
    .description(description)
    .version(version)
    .exitOverride()
    .configureOutput(output)
    .enablePositionalOptions() // flags behind a subcommand of a command are the subcommand's
    .showHelpAfterError("Run the command with --help to see its flags.")
    .addHelpText("after", "\nEvery flag has an environment twin: --max-new-tokens is FLASHVL_MAX_NEW_TOKENS.");
  for (const register of COMMANDS) register(program);
  for (const command of program.commands) addCommonOptions(command);
  return program;
}

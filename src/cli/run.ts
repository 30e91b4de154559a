/** @file Runs one command line: parse, act, and turn every error into text and an exit code. */
import type { Command } from "commander";
import { environmentTwin, isOn } from "./environment.ts";
import { ExitCode } from "./exit-code.ts";
import { describeError, exitCodeOf } from "./fail.ts";
import { buildProgram } from "./program.ts";
import type { CommonOptions } from "./shared-options.ts";

/**
 * Runs `flashvl` with these arguments; results go to stdout, everything else to stderr. Never throws.
 *
 * @param args without node and script
 * @returns the exit code
 * @example process.exitCode = await run(["pull", "org/name"]);
 */
export async function run(args: readonly string[]): Promise<ExitCode> {
  // A line that cannot be parsed has no options yet, but its error shall be JSON too.
  const wantsJson = args.includes("--json") || isOn(process.env[environmentTwin("--json")]);
  const program = buildProgram(wantsJson ? { writeErr: () => {} } : {});
  let running: Command | undefined;
  program.hook("preAction", (_, command) => {
    running = command;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return ExitCode.ok;
  } catch (error) {
    const { json = wantsJson, debug = Boolean(process.env.FLASHVL_DEBUG) } = running?.opts<CommonOptions>() ?? {};
    process.stderr.write(describeError(error, { json, debug }));
    return exitCodeOf(error);
  }
}

#!/usr/bin/env node
/** @file The `flashvl` executable: parses the command line, runs the command, turns errors into text and an exit code. */
import type { Command } from "commander";
import { describeError, exitCodeOf } from "./fail.ts";
import { buildProgram } from "./program.ts";
import type { CommonOptions } from "./shared-options.ts";
import { endQuietlyOnClosedPipe } from "./terminal/stdout.ts";

endQuietlyOnClosedPipe();
const program = buildProgram();
let running: Command | undefined;
program.hook("preAction", (_, command) => {
  running = command;
});
try {
  await program.parseAsync();
} catch (error) {
  const { json, debug } = running?.opts<CommonOptions>() ?? {};
  process.stderr.write(
    describeError(error, { json: json ?? false, debug: debug ?? Boolean(process.env.FLASHVL_DEBUG) }),
  );
  process.exitCode = exitCodeOf(error);
}

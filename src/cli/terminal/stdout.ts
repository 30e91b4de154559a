/** @file Results on stdout: text for people, JSON for programs; a reader that leaves early is no error. */
import { ExitCode } from "../exit-code.ts";
import { exitCodeOf } from "../fail.ts";

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints lines of text; of none nothing. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}

/** `flashvl inspect x | head` closes our stdout: end quietly then, as other commands do; a full disk is told in words. */
export function endOnBrokenStdout(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(ExitCode.ok);
    process.stderr.write(`flashvl: The output cannot be written: ${error.message}.\n`);
    process.exit(exitCodeOf(error));
  });
}

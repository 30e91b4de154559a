#!/usr/bin/env node
/** @file The `flashvl` executable. */
import { run } from "./run.ts";
import { endOnBrokenStdout } from "./terminal/stdout.ts";

endOnBrokenStdout();
process.exitCode = await run(process.argv.slice(2));

#!/usr/bin/env node
/** @file The `flashvl` executable. */
import { run } from "./run.ts";
import { endQuietlyOnClosedPipe } from "./terminal/stdout.ts";

endQuietlyOnClosedPipe();
process.exitCode = await run(process.argv.slice(2));

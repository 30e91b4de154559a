/** @file Lock files of processes that have ended. */
import { writeFileSync } from "node:fs";
import { thisProcess } from "../../src/common/node.ts";

/** Beyond the largest process number that Linux gives (2^22). */
const NO_PROCESS = 5_000_000;

/** What a holder that was killed leaves in its lock file. */
export const deadHolder = (changes: object = {}): string =>
  JSON.stringify({ ...thisProcess, pid: NO_PROCESS, host: "here", id: "x", what: "working", ...changes });

/** Writes a lock file whose holder has been killed. */
export const leaveLock = (file: string): void => writeFileSync(file, deadHolder());

/** @file How every error reaches the user: one place decides on exit code and text. */
import { CommanderError } from "commander";
import { ExitCode } from "./exit-code.ts";

/** The command line cannot be carried out as it stands. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The user has asked to stop. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}

/** A file that the user named is not what it should be. */
export class BadInputError extends Error {
  override readonly name = "BadInputError";
}

const BY_CODE = new Map<string, ExitCode>(
  Object.entries({
    // HubError
    "bad-name": ExitCode.usage,
    "not-found": ExitCode.notFound, // also InputError
    unauthorized: ExitCode.noAccess,
    gated: ExitCode.noAccess,
    offline: ExitCode.network,
    network: ExitCode.network, // also InputError
    "disk-full": ExitCode.diskFull,
    corrupt: ExitCode.network,
    // InputError of the processor
    invalid: ExitCode.badInput,
    "too-large": ExitCode.badInput,
    refused: ExitCode.badInput,
    // RuntimeError of the engine
    "no-device": ExitCode.usage,
    // Node
    ENOENT: ExitCode.notFound,
    ENOTDIR: ExitCode.badInput,
    EISDIR: ExitCode.badInput,
    EACCES: ExitCode.noAccess,
    EPERM: ExitCode.noAccess,
    EROFS: ExitCode.noAccess,
    EEXIST: ExitCode.usage,
    ENOSPC: ExitCode.diskFull,
    EDQUOT: ExitCode.diskFull,
  }),
);

const BY_NAME = new Map<string, ExitCode>(
  Object.entries({
    UsageError: ExitCode.usage,
    SettingsError: ExitCode.usage,
    MissingPackageError: ExitCode.usage,
    RanksError: ExitCode.usage,
    LockedError: ExitCode.usage,
    Interrupted: ExitCode.interrupted,
    BadInputError: ExitCode.badInput,
    StateFileError: ExitCode.badInput,
    CheckpointError: ExitCode.badInput,
    ContextOverflowError: ExitCode.badInput,
  }),
);

/**
 * The exit code of an error. Errors are told apart by `name` and `code`, not by class, so that `--help` need not load the
 * rooms that define them.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return BY_NAME.get(String(name)) ?? BY_CODE.get(String(code)) ?? ExitCode.internal;
}

/**
 * What is printed for an error: its message; with `debug` also where it comes from; with `json` one line of JSON.
 * Commander has printed its own errors already, unless JSON is wanted; who pressed Ctrl-C needs no explanation.
 */
export function describeError(error: unknown, { debug, json }: { debug: boolean; json: boolean }): string {
  if (error instanceof Interrupted || exitCodeOf(error) === ExitCode.ok) return "";
  if (error instanceof CommanderError && !json) return "";
  const message = error instanceof Error ? error.message.replace(/^error: /, "") : String(error);
  if (json) return `${JSON.stringify({ error: { message, code: nameOfExitCode(exitCodeOf(error)) } })}\n`;
  if (debug && error instanceof Error) return `flashvl: ${withCauses(error)}\n`;
  const hint = exitCodeOf(error) === ExitCode.internal ? "Set FLASHVL_DEBUG=1 to see where this comes from.\n" : "";
  return `flashvl: ${message}\n${hint}`;
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${withCauses(error.cause)}` : own;
}

function nameOfExitCode(code: ExitCode): string {
  return Object.entries(ExitCode).find(([, value]) => value === code)![0];
}

/** @file Gives every flag a twin in the environment: --max-new-tokens is FLASHVL_MAX_NEW_TOKENS. */
import type { Command } from "commander";

const OFF = new Set(["", "0", "false", "no", "off"]);

/** The name of a long flag's twin. */
export function environmentTwin(long: string): string {
  return `FLASHVL_${long.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Ties all flags of a command and its subcommands to the environment; a flag on the command line wins. A switch is on for
 * every value but "", 0, false, no and off; an empty value counts as not set.
 */
export function addEnvironmentTwins(command: Command, env: NodeJS.ProcessEnv = process.env): void {
  for (const option of command.options) {
    if (!option.long || option.long === "--version") continue;
    const twin = environmentTwin(option.long);
    const value = env[twin];
    const takesValue = option.required || option.optional;
    const isOff = value !== undefined && (takesValue ? value === "" : OFF.has(value.toLowerCase()));
    if (!isOff) option.env(twin);
  }
  for (const child of command.commands) addEnvironmentTwins(child, env);
}

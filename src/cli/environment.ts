/** @file Gives every flag a twin in the environment: --max-new-tokens is FLASHVL_MAX_NEW_TOKENS. */
import { Command, type Option } from "commander";

const OFF = new Set(["", "0", "false", "no", "off"]);

/** Whether a switch's twin with this value is on. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !OFF.has(value.toLowerCase());
}

/** The name of a long flag's twin. */
export function environmentTwin(long: string): string {
  return `FLASHVL_${long.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

/**
 * A command whose flags, and whose subcommands' flags, all have their twin; a flag on the command line wins. A switch is
 * on for every value but "", 0, false, no and off; an empty value counts as not set.
 *
 * @example new CommandWithTwins("flashvl").option("--json") // is on with FLASHVL_JSON=1
 */
export class CommandWithTwins extends Command {
  override createCommand(name?: string): Command {
    return new CommandWithTwins(name);
  }

  override createOption(flags: string, description?: string): Option {
    const option = super.createOption(flags, description);
    if (!option.long || option.long === "--version") return option;
    const twin = environmentTwin(option.long);
    const value = process.env[twin];
    const takesValue = option.required || option.optional;
    const isOff = value !== undefined && (takesValue ? value === "" : !isOn(value));
    // Commander takes a switch as set by any value; leaving out the twin is how it stays off.
    return isOff ? option : option.env(twin);
  }
}

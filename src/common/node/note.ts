/** @file One line on stderr, for what a person should know and no program needs. */

/** Writes `flashvl: TEXT` to stderr. @example note("The home folder cannot be written; using /tmp/flashvl.") */
export function note(text: string): void {
  process.stderr.write(`flashvl: ${text}\n`);
}

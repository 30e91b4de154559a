/** @file The exit codes of `flashvl`, so that scripts can tell why a command failed. */

/** One code for each kind of end; the numbers never change. */
export const ExitCode = {
  /** Done. */
  ok: 0,
  /** Something in the program or the machine failed. */
  internal: 1,
  /** The command line is wrong. */
  usage: 2,
  /** There is no such model, file or revision. */
  notFound: 3,
  /** A file, picture or checkpoint is not what it should be. */
  badInput: 4,
  /** The network or the hub failed, or the machine is offline. */
  network: 5,
  /** A token, the acceptance of terms, or a right to a file is missing. */
  noAccess: 6,
  /** The disk is full. */
  diskFull: 7,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

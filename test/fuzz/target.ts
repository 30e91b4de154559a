/** @file What a fuzz target is, and which errors are refusals and which are faults of the program. */

/** One reader of what others have made. */
export interface Target {
  /** Inputs that are read as they should be, or nearly; others are made from them. */
  corpus: readonly Uint8Array[];
  /** Whether inputs are JSON, which is changed by its structure as well as by its bytes. */
  json?: boolean;
  /** Whether every input starts a thread, which takes long from sources. */
  slow?: boolean;
  /** Reads one input. Rejects with an Error that says what is wrong with it; anything else is a fault. */
  run(input: Uint8Array): Promise<void>;
  close?(): Promise<void> | void;
}

/** Makes a target ready; `folder` is its own, and is removed afterwards. */
export type OpenTarget = (folder: string) => Promise<Target>;

/** What the engine of JavaScript throws where a program is wrong, not its input. */
const FAULTY = [
  "Cannot read prop",
  "Cannot convert",
  "Cannot use 'in'",
  "Cannot destructure",
  "is not a function",
  "is not iterable",
  "is not defined",
  "is not a constructor",
  "call stack size",
  "Invalid array length",
  "Invalid typed array length",
  "Array buffer allocation failed",
  "Invalid string length",
  "outside the bounds of the DataView",
  "offset is out of bounds",
  "must be a multiple of",
  "before initialization",
  "[object Object]",
];

/** Why this is no refusal that a user could act on; undefined when it is one. */
export function faultOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return `what was thrown is no Error: ${String(error)}`;
  if (error.message === "") return "the error says nothing";
  const found = FAULTY.find((words) => error.message.includes(words));
  return found && `the error is the program's own: ${error.stack}`;
}

/** Texts as inputs. @example texts('{"a":1}') */
export const texts = (...all: string[]): Uint8Array[] => all.map((text) => new TextEncoder().encode(text));
/** Values as inputs of JSON. */
export const jsons = (...all: unknown[]): Uint8Array[] => texts(...all.map((one) => JSON.stringify(one)));
/** An input as JSON; undefined when it is none: then there is nothing to read. */
export function parsed(input: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder().decode(input)) };
  } catch {
    return undefined;
  }
}

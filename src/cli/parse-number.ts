/** @file Reads numbers from flags and says what was expected. */
import { InvalidArgumentError } from "commander";

/** The numbers that a flag takes. */
export interface NumberRange {
  least?: number;
  most?: number;
  whole?: boolean;
  /** `least` itself is not allowed. */
  above?: boolean;
}

/**
 * A parser for commander.
 *
 * @throws InvalidArgumentError, which commander prints with the flag's name
 * @example command.option("--seed <n>", "seed", parseNumber({ least: 0, whole: true }))
 */
export function parseNumber({ least = -Infinity, most = Infinity, whole = false, above = false }: NumberRange) {
  return (text: string): number => {
    const value = Number(text);
    const good =
      text.trim() !== "" &&
      Number.isFinite(value) &&
      (above ? value > least : value >= least) &&
      value <= most &&
      (!whole || Number.isSafeInteger(value));
    if (good) return value;
    const limits = [
      Number.isFinite(least) ? `${above ? "above" : "at least"} ${least}` : "",
      Number.isFinite(most) ? `at most ${most}` : "",
    ].filter(Boolean);
    throw new InvalidArgumentError(
      `Expected a ${whole ? "whole " : ""}number${limits.length ? ` ${limits.join(" and ")}` : ""}.`,
    );
  };
}

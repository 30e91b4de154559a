/** @file Patterns as states of a network, their characters written as inside a JSON string. */
import type { CodePoints } from "./code-points.ts";
import { stringCharacter } from "./json-text.ts";
import { type Network, RETURN, type State } from "./network.ts";
import type { Pattern } from "./pattern.ts";

/** Rules for sets of characters, so that a set takes its many states only once. */
export type SetRules = Map<string, number>;

/** The texts that a pattern lets through, then `next`. */
export function patternText(network: Network, rules: SetRules, pattern: Pattern, next: State): State {
  const text = (part: Pattern, after: State) => patternText(network, rules, part, after);
  switch (pattern.type) {
    case "set":
      return oneOf(network, rules, pattern.set, next);
    case "sequence":
      return pattern.parts.reduceRight((after, part) => text(part, after), next);
    case "choice":
      return network.choice(pattern.parts.map((part) => text(part, next)));
    case "repeat":
      return network.repeat((after) => text(pattern.part, after), pattern.least, pattern.most, next);
    default:
      return next;
  }
}

function oneOf(network: Network, rules: SetRules, set: CodePoints, next: State): State {
  if (isSimple(set)) return stringCharacter(network, set, next);
  const key = set.join(" ");
  const rule = rules.get(key) ?? network.rule();
  if (!rules.has(key)) network.rules[rule] = stringCharacter(network, set, RETURN);
  rules.set(key, rule);
  return network.call(rule, next);
}

/** Whether all characters are ASCII that needs no escape: they take one state. */
function isSimple(set: CodePoints): boolean {
  return set.every(
    ([least, largest]) =>
      least >= 0x20 && largest < 0x80 && ![0x22, 0x5c].some((sign) => least <= sign && sign <= largest),
  );
}

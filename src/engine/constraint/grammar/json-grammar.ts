/** @file A checked JSON schema as a grammar: the texts of all its values, compact, with at most one space after a separator. */
import { checkSchema, type JsonSchema, resolveReference } from "../check-schema.ts";
import { SchemaError } from "../schema-error.ts";
import { type CodePoints, character, codePoints, complement } from "./code-points.ts";
import { FORMATS } from "./formats.ts";
import { type JsonRules, number, separator, stringCharacter } from "./json-text.ts";
import { type Network, RETURN, type State } from "./network.ts";
import { EXACT_DIGITS, numberRange } from "./number-range.ts";
import { parsePattern } from "./pattern.ts";
import { patternText, type SetRules } from "./pattern-text.ts";

/** Characters of 16 bits, and those beyond. */
const BASIC: CodePoints = codePoints([[0, 0xffff]]);
const FURTHER: CodePoints = [[0x10000, 0x10ffff]];

type Schema = Record<string, unknown>;
type Part = (next: State) => State;

/** Adds the values of schemas to a network; one for each schema, since references lead to places in it. */
export class JsonGrammar {
  readonly #network: Network;
  readonly #json: JsonRules;
  readonly #root: JsonSchema;
  /** Rules of the schemas that references lead to, by reference. */
  readonly #references = new Map<string, number>();
  readonly #rules = new Map<string, number>();
  readonly #sets: SetRules = new Map();

  /** @param root the schema as the client wrote it */
  constructor(network: Network, json: JsonRules, root: JsonSchema) {
    this.#network = network;
    this.#json = json;
    this.#root = root;
  }

  /** Any value that fits the schema. @throws SchemaError for what cannot be enforced, or is too complex */
  value(next: State): State {
    return this.#value(checkSchema(this.#root), next);
  }

  #value(schema: unknown, next: State): State {
    const network = this.#network;
    if (schema === true) return network.call(this.#json.value, next);
    if (schema === false) return network.choice([]);
    const rules = schema as Schema;
    if (typeof rules.$ref === "string") return network.call(this.#reference(rules.$ref), next);
    const alternatives = rules.anyOf ?? rules.oneOf ?? rules.allOf;
    if (alternatives) return network.choice((alternatives as unknown[]).map((each) => this.#value(each, next)));
    if (rules.enum)
      return network.choice((rules.enum as unknown[]).map((value) => network.text(JSON.stringify(value), next)));
    switch (rules.type) {
      case "string":
        return this.#string(rules, next);
      case "number":
      case "integer":
        return this.#number(rules, next);
      case "boolean":
        return this.#shared(
          "boolean",
          (end) => network.choice([network.text("true", end), network.text("false", end)]),
          next,
        );
      case "null":
        return network.text("null", next);
      case "array":
        return this.#array(rules, next);
      case "object":
        return this.#object(rules, next);
      default:
        return network.call(this.#json.value, next);
    }
  }

  #reference(reference: string): number {
    const known = this.#references.get(reference);
    if (known !== undefined) return known;
    const rule = this.#network.rule();
    this.#references.set(reference, rule);
    const target = checkSchema(resolveReference(reference, this.#root) as JsonSchema, this.#root, reference);
    this.#network.rules[rule] = this.#value(target, RETURN);
    return rule;
  }

  #string({ pattern, format, minLength, maxLength }: Schema, next: State): State {
    const network = this.#network;
    const source = (pattern as string | undefined) ?? FORMATS.get(format as string);
    if (source !== undefined)
      return network.text('"', patternText(network, this.#sets, parsePattern(source), network.text('"', next)));
    if (minLength === undefined && maxLength === undefined) return network.call(this.#json.string, next);
    return network.text(
      '"',
      this.#counted(Number(minLength ?? 0), maxLength as number | undefined, network.text('"', next)),
    );
  }

  /**
   * Between `least` and `most` characters. Characters beyond the basic plane count as two towards `most`, as JavaScript counts,
   * and are not used for the first `least`, which JSON schema counts as one each: so both counts hold.
   */
  #counted(least: number, most: number | undefined, next: State): State {
    const network = this.#network;
    const basic: Part = (after) => this.#shared("basic", (end) => stringCharacter(network, BASIC, end), after);
    const further: Part = (after) => this.#shared("further", (end) => character(network, FURTHER, end), after);
    let start: State;
    if (most === undefined) {
      start = network.state();
      network.jumps[start]!.push(basic(start), further(start), next);
    } else {
      start = next;
      let after = network.choice([]);
      for (let count = most; count > least; count -= 1) {
        const pair = count < most ? [further(after)] : [];
        after = start;
        start = network.choice([basic(start), ...pair, next]);
      }
    }
    for (let count = 0; count < least; count += 1) start = basic(start);
    return start;
  }

  /** A part that many schemas have, as a rule that is there once. */
  #shared(name: string, build: Part, next: State): State {
    const rule = this.#rules.get(name) ?? this.#network.rule();
    if (!this.#rules.has(name)) this.#network.rules[rule] = build(RETURN);
    this.#rules.set(name, rule);
    return this.#network.call(rule, next);
  }

  #number({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Schema, next: State): State {
    const step = multipleOf as number | undefined;
    const whole = type === "integer" || step === 1;
    const [low, high] = [minimum ?? -Infinity, maximum ?? Infinity] as [number, number];
    const [above, below] = [exclusiveMinimum ?? -Infinity, exclusiveMaximum ?? Infinity] as [number, number];
    const bounded = [low, high, above, below].some(Number.isFinite);
    if (!bounded && (step === undefined || whole))
      return this.#shared(whole ? "integer" : "number", (end) => number(this.#network, end, whole), next);
    const range = {
      whole,
      minimum: Math.max(low, above),
      maximum: Math.min(high, below),
      excludesMinimum: above >= low,
      excludesMaximum: below <= high,
      decimals: step === undefined || whole ? EXACT_DIGITS : Math.round(-Math.log10(step)),
    };
    return numberRange(this.#network, range, next);
  }

  #array({ items, prefixItems = [], minItems = 0, maxItems }: Schema, next: State): State {
    const network = this.#network;
    const [least, most] = [minItems as number, maxItems as number | undefined];
    const first = (prefixItems as unknown[]).slice(0, most).map(
      (schema): Part =>
        (after) =>
          this.#value(schema, after),
    );
    const end = network.text("]", next);
    const rest: Part = (after) => this.#value(items, after);
    const more = items === undefined || items === false ? 0 : most === undefined ? undefined : most - first.length;
    const count = Math.max(0, least - first.length);
    if (more !== undefined && count > more) return network.choice([]);
    const inner = (parts: readonly Part[], tail: State): State =>
      parts.reduceRight((after, part) => separator(network, ",", part(after)), tail);
    if (first.length > 0) {
      const tail = network.repeat((after) => separator(network, ",", rest(after)), count, more, end);
      return network.text("[", first[0]!(inner(first.slice(1), tail)));
    }
    if (more === 0) return network.text("[", end);
    const tail = network.repeat(
      (after) => separator(network, ",", rest(after)),
      Math.max(0, count - 1),
      more === undefined ? undefined : more - 1,
      end,
    );
    const some = rest(tail);
    return network.text("[", count > 0 ? some : network.choice([end, some]));
  }

  #object(rules: Schema, next: State): State {
    const network = this.#network;
    const end = network.text("}", next);
    const properties = Object.entries((rules.properties ?? {}) as Schema);
    const required = new Set((rules.required ?? []) as string[]);
    const [least, most] = [(rules.minProperties ?? 0) as number, rules.maxProperties as number | undefined];
    const others = this.#others(
      rules,
      properties.map(([name]) => name),
    );
    const separated: Part = (pair) => separator(network, ",", pair);
    if (properties.length === 0) {
      if (!others || most === 0) return least > 0 ? network.choice([]) : network.text("{", end);
      const tail = network.repeat((after) => separated(others(after)), Math.max(0, least - 1), most && most - 1, end);
      return network.text("{", least > 0 ? others(tail) : network.choice([end, others(tail)]));
    }
    // From the last property to the first: what may come after it, with and without a separator in front.
    let tail = others ? network.repeat((after) => separated(others(after)), 0, undefined, end) : end;
    let pairs: State[] = others ? [others(tail)] : [];
    let mayEnd = true;
    for (const [name, schema] of properties.reverse()) {
      const key = network.text(JSON.stringify(name), separator(network, ":", this.#value(schema, tail)));
      pairs = [required.has(name) ? key : network.choice([key, ...pairs])];
      mayEnd &&= !required.has(name);
      tail = network.choice([...pairs.map(separated), ...(mayEnd ? [end] : [])]);
    }
    return network.text("{", network.choice([...pairs, ...(mayEnd ? [end] : [])]));
  }

  /** A pair whose name properties does not have, where there may be any. */
  #others(rules: Schema, names: readonly string[]): Part | undefined {
    const network = this.#network;
    const { patternProperties, propertyNames } = rules;
    const other = rules.additionalProperties ?? rules.unevaluatedProperties;
    const value = (schema: unknown, after: State) => separator(network, ":", this.#value(schema, after));
    if (patternProperties) {
      const pairs = Object.entries(patternProperties as Schema);
      return (after) =>
        network.choice(pairs.map(([pattern, schema]) => this.#string({ pattern }, value(schema, after))));
    }
    if (propertyNames !== undefined) {
      const rule = propertyNames as JsonSchema;
      const schema = other ?? true;
      if (schema === false) return undefined;
      return (after) => this.#value(rule === true ? { type: "string" } : rule, value(schema, after));
    }
    if (other === undefined || other === false) return undefined;
    return (after) => network.text('"', this.#newName(names, value(other, after)));
  }

  /** The rest of a name that is none of `names`, with its closing quote. */
  #newName(names: readonly string[], next: State): State {
    const network = this.#network;
    const start = network.state();
    const groups = new Map<string, string[]>();
    for (const name of names) {
      const [first] = name;
      if (first !== undefined) groups.set(first, [...(groups.get(first) ?? []), name.slice(first.length)]);
    }
    if (!names.includes("")) network.jumps[start]!.push(network.text('"', next));
    const firsts = [...groups.keys()].map((sign) => sign.codePointAt(0)!);
    // A name may not be spelt with escapes as long as it begins like one of `names`.
    const taken = codePoints([[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c], ...firsts.map((code) => [code, code] as const)]);
    if (names.length === 0) {
      network.jumps[start]!.push(network.call(this.#json.bodyRule, next));
      return start;
    }
    network.jumps[start]!.push(character(network, complement(taken), network.call(this.#json.bodyRule, next)));
    for (const [first, rests] of groups) network.jumps[start]!.push(network.text(first, this.#newName(rests, next)));
    return start;
  }
}

/** @throws SchemaError when no text at all fits */
export function assertProductive(network: Network, start: State): boolean[] {
  const productive = network.productive();
  if (!productive[start])
    throw new SchemaError(
      "No value can fit the schema: a reference leads back to itself, or rules contradict each other.",
    );
  return productive;
}

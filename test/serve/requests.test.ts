/** @file Small promises of every request: its id, keys from a file, and what happens to one that comes while the server closes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FakeModel } from "./fake-model.ts";
import { gate, post, start, until } from "./start.ts";

const CHAT = "/v1/chat/completions";
const hello = { messages: [{ role: "user", content: "Hi" }] };

test("a request's own id comes back, and stands in its line of the log; others are made, each another", async () => {
  const lines: string[] = [];
  const server = await start({ onLog: (line) => lines.push(line) });
  const idOf = async (given?: string) => {
    const response = await fetch(`${server.url}/health`, {
      headers: given === undefined ? {} : { "x-request-id": given },
    });
    await response.text();
    return response.headers.get("x-request-id")!;
  };
  expect(await idOf("abc-1.2_3")).toBe("abc-1.2_3");
  const made = [await idOf(), await idOf(), await idOf("a b"), await idOf("x".repeat(65))];
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(new Set(made).size).toBe(4);
  const logged = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === "answered");
  expect(logged.map(({ requestId }) => requestId)).toEqual(["abc-1.2_3", ...made]);
});

test("in a file of keys, lines that begin with # are remarks, and blanks around a key are not part of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-keys-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "keys"), "# ours\n  sesame \n#old\n\nsecond#2\n");
  const server = await start({ settings: { apiKeyFile: join(folder, "keys") } });
  const status = async (key: string) =>
    (await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
  for (const key of ["sesame", "second#2"]) expect(await status(key), key).toBe(200);
  for (const key of ["# ours", "ours", "#old", "old", "", "second"]) expect(await status(key), key).toBe(401);
});

test("while a server closes, what runs is finished, and what comes is refused with the time to go elsewhere", async () => {
  const { wait, open } = gate();
  const model = new FakeModel({ script: () => "done", beforeToken: (at) => (at === 1 ? wait : undefined) });
  const server = await start({ model, settings: { drainTimeout: 100 } });
  // A connection that is open already: a closing server takes no new ones.
  const running = post(server, CHAT, hello);
  await until(() => expect(model.active).toBe(1));
  const other = await post(server, CHAT, { ...hello, max_tokens: 1 });
  expect(other.status).toBe(200);
  await other.text();
  const late = post(server, CHAT, hello).catch(() => undefined);
  const closed = server.close();
  const answer = await late;
  if (answer !== undefined && answer.status !== 200) {
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await answer.json()).error.code).toBe("shutting_down");
  }
  open();
  expect((await (await running).json()).choices[0].message.content).toBe("done");
  await closed;
  expect(model.active).toBe(0);
});

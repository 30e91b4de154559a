import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FakeHub } from "../hub/fake-hub.ts";
import { smallModel } from "../hub/model-files.ts";
import { runCli } from "./run-cli.ts";

// The executable as users start it; each start takes a second or more, so every test here is about something that
// needs a process of its own. test/cli/commands.test.ts goes through the rest.

const TINY = join(import.meta.dirname, "../golden/static-tiny");
const image = (name: string) => join(TINY, "images", name);
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-cli-"));
  env = { FLASHVL_CACHE: join(folder, "cache"), HF_HOME: join(folder, "hf") };
});
afterAll(() => rm(folder, { recursive: true }));

it("explains itself and its exit codes reach the shell", async () => {
  const [help, wrong] = await Promise.all([runCli(["--help"]), runCli(["pull", "nonsense", "--json"], { env })]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const command of ["chat", "pull", "inspect", "compile", "init"]) expect(help.stdout).toContain(`  ${command} `);
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: "usage" } });
});

it.runIf(existsSync("/dev/full"))("an output that cannot be written ends with 7 and its reason", async () => {
  const { code, stderr } = await runCli(["inspect", TINY], { env, stdoutTo: "/dev/full" });
  expect(code).toBe(7);
  expect(stderr).toMatch(/^flashvl: The output cannot be written: ENOSPC.*\n$/);
});

it("pull prints the folder and nothing else where nobody watches", async () => {
  const hub = await new FakeHub(smallModel()).start();
  try {
    const run = await runCli(["pull", "org/model"], { env: { ...env, HF_ENDPOINT: hub.endpoint } });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(await readdir(run.stdout.trim())).toContain("model.safetensors");
  } finally {
    await hub.stop();
  }
});

it("chat says what PyTorch says", async () => {
  const { cases } = JSON.parse(await readFile(join(TINY, "expected.json"), "utf8"));
  const { image: picture, messages, text, generated } = cases[0];
  const flags = ["--model", TINY, "--max-new-tokens", String(generated.length), "--stats"];
  const run = await runCli(["chat", image(picture), messages[0].content, ...flags], { env });
  expect(run).toMatchObject({ code: 0, stdout: `${text}\n` });
  expect(run.stderr).toContain("16 of pictures");
});

it("chat holds a conversation over a pipe, and the second turn knows the first one's tokens", async () => {
  const stdin = "What is this?\n/stats\nAnd this?\n/stats\n/image nope.png\n";
  const { code, stderr } = await runCli(["chat", image("photo.jpg"), "-m", TINY, "--max-new-tokens", "6"], {
    env,
    stdin,
  });
  expect(code).toBe(0);
  const known = [...stderr.matchAll(/^prompt .* (\d+) known from before\)$/gm)].map(([, count]) => Number(count));
  expect(known).toHaveLength(2);
  expect(known[0]).toBe(0);
  expect(known[1]).toBeGreaterThan(35);
  expect(stderr).toContain("nope.png");
});

it("chat ends with 130 on Ctrl-C, after what was said so far", async () => {
  const flags = ["-m", TINY, "--max-new-tokens", "30000", "--sample", "--seed", "1"];
  const { code, stdout } = await runCli(["chat", image("photo.jpg"), "Tell me everything.", ...flags], {
    env,
    interruptWhen: (text) => text.length > 20,
  });
  expect(code).toBe(130);
  expect(stdout.endsWith("\n")).toBe(true);
});

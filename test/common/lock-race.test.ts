/** @file Several processes that find the locks of dead ones: never two inside at once, and nothing stays behind. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { leaveLock } from "./leave-lock.ts";

const PROCESSES = 4;
const ROUNDS = 100;

it("a lock of a dead process is taken over by one of several processes at a time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-race-"));
  const children: ChildProcess[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) leaveLock(join(folder, `${round}.lock`));
    const script = fileURLToPath(new URL("./lock-child.ts", import.meta.url));
    for (let i = 0; i < PROCESSES; i++)
      children.push(fork(script, [folder, String(ROUNDS)], { execArgv: ["--import", "tsx"] }));
    const message = async (child: ChildProcess): Promise<unknown> => (await once(child, "message"))[0];
    await Promise.all(children.map(message));
    const results = children.map(message);
    for (const child of children) child.send("go");
    const counts = (await Promise.all(results)) as { taken: number; met: number }[];
    expect(counts.map(({ met }) => met)).toEqual(Array(PROCESSES).fill(0));
    // Somebody got each of them.
    expect(counts.reduce((sum, { taken }) => sum + taken, 0)).toBeGreaterThanOrEqual(ROUNDS);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "./process-lock.ts";
import { type HubSystem, realSystem } from "./system.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-lock-"));
  file = join(folder, "locks", "flashvl.lock");
  await mkdir(join(folder, "locks"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A world whose clock moves only when somebody waits. */
function fakeSystem(changes: Partial<HubSystem> = {}): HubSystem & { waited: () => number } {
  let clock = 0;
  const sleep = async (ms: number) => {
    clock += ms;
    await new Promise<void>((done) => setImmediate(done));
  };
  return { ...realSystem, sleep, now: () => clock, ...changes, waited: () => clock };
}

const held = (pid: number, host = hostname()) => writeFile(file, JSON.stringify({ pid, host, id: "x" }));

it("work under the lock runs one at a time, also within a process", async () => {
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await new Promise((done) => setImmediate(done));
    running--;
  };
  await Promise.all([1, 2, 3, 4].map(() => withLock(file, fakeSystem(), undefined, work)));
  expect(most).toBe(1);
});

it("the lock is gone afterwards, also when the work fails", async () => {
  await expect(withLock(file, fakeSystem(), undefined, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(readFile(file)).rejects.toThrow("ENOENT");
});

it("a holder of this machine that no longer runs is replaced at once", async () => {
  await held(4_000_000);
  const system = fakeSystem({ isAlive: () => false });
  expect(await withLock(file, system, undefined, async () => "done")).toBe("done");
  expect(system.waited()).toBe(0);
});

it("a holder on another machine is replaced when its file has not been touched for a minute and a half", async () => {
  await held(1, "elsewhere");
  const system = fakeSystem({ isAlive: () => false });
  expect(await withLock(file, system, undefined, async () => "done")).toBe("done");
  expect(system.waited()).toBeGreaterThan(90_000);
  expect(system.waited()).toBeLessThan(92_000);
});

it("a lock with unreadable content is judged by its age", async () => {
  await writeFile(file, "");
  const system = fakeSystem();
  expect(await withLock(file, system, undefined, async () => "done")).toBe("done");
  expect(system.waited()).toBeGreaterThan(90_000);
});

it("waiting for a living holder ends with the caller's signal", async () => {
  await held(process.pid);
  const abort = new AbortController();
  const system = fakeSystem({
    sleep: async () => abort.abort(new Error("enough")),
  });
  await expect(withLock(file, system, abort.signal, async () => "done")).rejects.toThrow("enough");
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ pid: process.pid });
});

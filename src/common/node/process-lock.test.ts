import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deadHolder } from "../../../test/common/leave-lock.ts";
import { thisProcess } from "./process-identity.ts";
import { acquireLock, isLocked, LockedError, type LockSystem, withLock } from "./process-lock.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-lock-"));
  file = join(folder, "locks", "flashvl.lock");
  await mkdir(join(folder, "locks"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A world whose clock moves only when somebody waits. */
function fakeSystem(changes: Partial<LockSystem> = {}): LockSystem & { waited: () => number } {
  let clock = 0;
  const sleep = async (ms: number) => {
    clock += ms;
    await new Promise<void>((done) => setImmediate(done));
  };
  return { sleep, now: () => clock, processState: () => "unknown", ...changes, waited: () => clock };
}

const what = "working";
const take = (system: LockSystem, onWait: (text: string) => void = () => {}) =>
  withLock(file, { what, system, onWait }, async () => "done");
const held = (changes: object = {}) => writeFile(file, deadHolder(changes));

describe("a lock", () => {
  it("lets one worker in at a time, also within a process", async () => {
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await new Promise((done) => setImmediate(done));
      running--;
    };
    const system = fakeSystem({ processState: () => "running" });
    await Promise.all([1, 2, 3, 4].map(() => withLock(file, { what, system, onWait: () => {} }, work)));
    expect(most).toBe(1);
  });

  it("is gone afterwards with all its remains, also when the work fails", async () => {
    const failing = withLock(file, { what }, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(await readdir(join(folder, "locks"))).toEqual([]);
  });

  it("goes to one of many who find that its holder is gone, and never to two", async () => {
    for (let round = 0; round < 20; round++) {
      await held();
      let inside = 0;
      let most = 0;
      const enter = async () => {
        const lock = await acquireLock(file, { what, wait: false }).catch((error) => {
          expect(error).toBeInstanceOf(LockedError);
        });
        if (!lock) return;
        most = Math.max(most, ++inside);
        await new Promise((done) => setTimeout(done, 2));
        inside--;
        await lock.release();
      };
      await Promise.all(Array.from({ length: 8 }, enter));
      expect(most).toBe(1);
      expect(await readdir(join(folder, "locks"))).toEqual([]);
    }
  });
});

describe("a holder", () => {
  it("that has ended is replaced at once, whatever the clock said when it ended", async () => {
    await held();
    const later = new Date(Date.now() + 3_600_000);
    await utimes(file, later, later);
    const system = fakeSystem({ processState: () => "gone" });
    expect(await take(system)).toBe("done");
    expect(system.waited()).toBe(0);
    expect(await isLocked(file)).toBe(false);
  });

  it("that runs is waited for as long as it runs, and named to those who wait, once", async () => {
    await held({ pid: 4711, what: "compiling models/mine as int8" });
    const notes: string[] = [];
    let running = true;
    const system = fakeSystem({ processState: () => (running ? "running" : "gone") });
    const { sleep } = system;
    system.sleep = async (ms, signal) => {
      await sleep(ms, signal);
      if (system.waited() > 90_000) running = false;
    };
    expect(await take(system, (text) => notes.push(text))).toBe("done");
    expect(notes).toEqual([`Waiting: Process 4711 is compiling models/mine as int8 and holds ${file}.`]);
  });

  it("on another machine is replaced when its file has not been touched for a minute of the waiter's clock", async () => {
    await held({ machine: "elsewhere", host: "far" });
    const system = fakeSystem();
    const notes: string[] = [];
    expect(await take(system, (text) => notes.push(text))).toBe("done");
    expect(system.waited()).toBeGreaterThan(60_000);
    expect(system.waited()).toBeLessThan(61_000);
    expect(notes[0]).toContain("Process 5000000 on far is working");
  });

  it("on another machine that touches its file keeps it", async () => {
    await held({ machine: "elsewhere" });
    const enough = new AbortController();
    const system = fakeSystem();
    const { sleep } = system;
    system.sleep = async (ms, signal) => {
      await sleep(ms, signal);
      await utimes(file, 1e9, 1e9 + system.waited() / 1000);
      if (system.waited() > 90_000) enough.abort(new Error("enough"));
    };
    const waiting = acquireLock(file, { what, system, onWait: () => {}, signal: enough.signal });
    await expect(waiting).rejects.toThrow("enough");
    expect(await readFile(file, "utf8")).toBe(deadHolder({ machine: "elsewhere" }));
  });

  it("that left no name is judged by the age of its file", async () => {
    for (const text of ["", "null", "{}", '{"pid":1}']) {
      await writeFile(file, text);
      const system = fakeSystem();
      expect(await take(system)).toBe("done");
      expect(system.waited()).toBeGreaterThan(2_000);
    }
  });

  it("that has lost the lock is told, and leaves the next one's file alone", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const lock = await acquireLock(file, { what });
      await held({ machine: "elsewhere" });
      const told = once(lock.lost, "abort");
      vi.advanceTimersByTime(5_000);
      await told;
      expect(String(lock.lost.reason)).toContain(`The lock ${file} was taken away from process ${process.pid}`);
      await lock.release();
      expect(await readFile(file, "utf8")).toBe(deadHolder({ machine: "elsewhere" }));
    } finally {
      vi.useRealTimers();
    }
  });

  it("is an error with its name for those who do not want to wait", async () => {
    await held({ ...thisProcess, what: "training runs/a" });
    const error = await acquireLock(file, { what, wait: false }).catch((e) => e);
    expect(error).toBeInstanceOf(LockedError);
    expect(error.message).toBe(
      `Process ${process.pid} is training runs/a and holds ${file}. Wait until it is done, or end it.`,
    );
  });
});

it("what a process that was killed during a takeover left does not block the next one", async () => {
  await held();
  const { createHash } = await import("node:crypto");
  const right = `${file}.change-${createHash("sha256").update(deadHolder()).digest("hex").slice(0, 16)}`;
  await writeFile(right, deadHolder({ id: "y" }));
  await writeFile(`${file}.tmp-5000000-1-${thisProcess.machine}-00c0ffee`, "half");
  expect(await withLock(file, { what }, async () => readdir(join(folder, "locks")))).toEqual(["flashvl.lock"]);
  expect(await readdir(join(folder, "locks"))).toEqual([]);
});

it("waiting ends with the caller's signal", async () => {
  await held();
  const abort = new AbortController();
  const system = fakeSystem({ processState: () => "running", sleep: async () => abort.abort(new Error("enough")) });
  const waiting = acquireLock(file, { what, system, onWait: () => {}, signal: abort.signal });
  await expect(waiting).rejects.toThrow("enough");
  expect(await readFile(file, "utf8")).toBe(deadHolder());
});

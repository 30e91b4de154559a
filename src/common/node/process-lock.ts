/** @file The package's lock between processes: a file that names its holder and that the holder keeps fresh. */
import { createHash, randomUUID } from "node:crypto";
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { makeFolder } from "./make-folder.ts";
import { note } from "./note.ts";
import { type ProcessIdentity, type ProcessState, processState, thisProcess } from "./process-identity.ts";
import { removeRemains, temporaryBeside } from "./temporary.ts";

/** A holder touches its file this often ... */
const HEARTBEAT_MS = 5_000;
/** ... and one that cannot be asked, and has not touched it for so long by the waiter's own clock, is gone. */
const STALE_MS = 60_000;
/** The same for a file that names nobody: no holder of this version writes one. */
const NAMELESS_MS = 2_000;
const POLL_MS = 200;
/** Shorter waits need no explanation. */
const NOTE_AFTER_MS = 5_000;

/** The clock and the process table, replaced in tests. */
export interface LockSystem {
  /** Monotonic milliseconds. */
  now(): number;
  /** Waits; rejects when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  processState(identity: ProcessIdentity): ProcessState;
}

const realSystem: LockSystem = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
  processState,
};

export interface LockOptions {
  /** What the holder does, for those who wait: "compiling models/mine as int8". */
  what: string;
  /** False: a lock that is held is an error instead of a reason to wait. */
  wait?: boolean;
  /** Told once who holds the lock, when a wait has lasted five seconds; by default a line on stderr. */
  onWait?: (text: string) => void;
  /** Ends the wait. */
  signal?: AbortSignal;
  system?: LockSystem;
}

/** A lock that is held. */
export interface Lock {
  /** Fires when somebody has taken the file away, after this process stood still for long or by hand. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Somebody else holds the lock, and the caller did not want to wait. */
export class LockedError extends Error {
  override readonly name = "LockedError";
}

/** What a lock file says. */
interface Holder extends ProcessIdentity {
  readonly host: string;
  readonly id: string;
  readonly what: string;
}

/**
 * Takes the lock `file`; waits while another process, or another caller in this one, holds it.
 *
 * A holder on this machine is known by process number and start time: a lock of a process that has ended is taken over at
 * once, one of a running process never. A holder elsewhere is judged by whether its file is touched, measured by the
 * waiter's monotonic clock, so clocks that differ or jump do no harm.
 *
 * A lock file with a certain content may be changed only by whoever holds the right to, a second file named after that
 * content. A lock can therefore not be taken over twice, nor removed by a holder that has lost it.
 *
 * @throws LockedError naming the holder, with `wait: false`; the signal's reason when it fires during the wait
 * @example const lock = await acquireLock("runs/a/run.lock", { what: "training runs/a", wait: false });
 */
export async function acquireLock(file: string, options: LockOptions): Promise<Lock> {
  const { what, wait = true, signal, system = realSystem, onWait = note } = options;
  await makeFolder(dirname(file));
  const holder: Holder = { ...thisProcess, host: hostname(), id: randomUUID(), what };
  const text = JSON.stringify(holder);
  const watch = new Watch(system);
  const began = system.now();
  let told = false;
  while (!(await take(file, text, watch))) {
    signal?.throwIfAborted();
    const found = await look(file);
    if (!found) continue; // released between the two calls
    if (!wait) throw new LockedError(`${describe(file, found)} Wait until it is done, or end it.`);
    if (!told && system.now() - began >= NOTE_AFTER_MS) {
      onWait(`Waiting: ${describe(file, found)}`);
      told = true;
    }
    await system.sleep(POLL_MS, signal).catch((error: unknown) => {
      signal?.throwIfAborted(); // the caller's own reason says more than "aborted"
      throw error;
    });
  }
  await sweep(file, text);
  const lost = new AbortController();
  const heartbeat = setInterval(async () => {
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
    if ((await look(file))?.text === text) return;
    clearInterval(heartbeat);
    lost.abort(new Error(`The lock ${file} was taken away from process ${process.pid} (${what}).`));
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(heartbeat);
      // A full disk has no room for the right to change the file. The holder runs, so nobody else changes it meanwhile.
      await change(file, text, text, watch, () => rm(file, { force: true })).catch(async () => {
        if ((await look(file))?.text === text) await rm(file, { force: true });
      });
    },
  };
}

/**
 * Runs `work` while holding the lock `file`.
 * @throws as `acquireLock`, and what `work` throws
 * @example await withLock("/cache/key.lock", { what: "compiling" }, () => compile());
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const lock = await acquireLock(file, options);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Whether a process that may be running holds the lock; one that cannot be asked counts if it touched the file lately. */
export async function isLocked(file: string): Promise<boolean> {
  const found = await look(file);
  if (!found) return false;
  const state = found.holder ? processState(found.holder) : "unknown";
  return state === "unknown" ? Math.abs(Date.now() - found.touched) <= STALE_MS : state === "running";
}

/** A lock file as it was seen. */
interface Seen {
  text: string;
  /** Undefined when the text is not of this form. */
  holder: Holder | undefined;
  /** Milliseconds since the epoch, by the clock of whoever touched it. */
  touched: number;
}

/** Remembers since when, by this process's clock, each lock file has looked as it does. */
class Watch {
  private readonly seen = new Map<string, { state: string; since: number }>();

  constructor(private readonly system: LockSystem) {}

  /** True when nobody can hold this lock any more. */
  isDead(file: string, { text, holder, touched }: Seen): boolean {
    const process = holder ? this.system.processState(holder) : "unknown";
    if (process !== "unknown") return process === "gone";
    const state = `${touched} ${text}`;
    const before = this.seen.get(file);
    if (before?.state !== state) {
      this.seen.set(file, { state, since: this.system.now() });
      return false;
    }
    return this.system.now() - before.since > (holder ? STALE_MS : NAMELESS_MS);
  }
}

/** Creates the lock file, or replaces one whose holder is gone. */
async function take(file: string, text: string, watch: Watch): Promise<boolean> {
  if (await create(file, text)) return true;
  const found = await look(file);
  if (!found) return false;
  if (found.text === text) return true; // network disks may do what they were asked and answer that it failed
  if (!watch.isDead(file, found)) return false;
  return change(file, found.text, text, watch, async () => {
    const draft = temporaryBeside(file);
    await writeFile(draft, text, { flag: "wx" });
    await rename(draft, file);
  });
}

/** Calls `act` if `file` still holds `content`, while nobody else may change it; says whether it did. */
async function change(
  file: string,
  content: string,
  text: string,
  watch: Watch,
  act: () => Promise<void>,
): Promise<boolean> {
  const right = rightTo(file, content);
  if (!(await take(right, text, watch))) return false;
  try {
    if ((await look(file))?.text !== content) return false;
    await act();
    return true;
  } finally {
    await rm(right, { force: true });
  }
}

const rightTo = (file: string, content: string): string =>
  `${file}.change-${createHash("sha256").update(content).digest("hex").slice(0, 16)}`;

/** Removes what killed processes left. While `text` is in the file, rights to other contents mean nothing. */
async function sweep(file: string, text: string): Promise<void> {
  await removeRemains(file);
  const own = basename(rightTo(file, text));
  for (const name of await readdir(dirname(file)).catch(() => [] as string[]))
    if (name.startsWith(`${basename(file)}.change-`) && !name.startsWith(own))
      await rm(join(dirname(file), name), { force: true });
}

/** Creates a file with its content in one step, so that nobody reads an empty one; false when there is one already. */
async function create(file: string, text: string): Promise<boolean> {
  const draft = temporaryBeside(file);
  await writeFile(draft, text, { flag: "wx" });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // File systems without hard links (exFAT, some network disks): the file is empty for an instant.
    return await writeFile(file, text, { flag: "wx" }).then(
      () => true,
      (second: NodeJS.ErrnoException) => {
        if (second.code === "EEXIST") return false;
        throw second;
      },
    );
  } finally {
    await rm(draft, { force: true });
  }
}

async function look(file: string): Promise<Seen | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, "utf8"), stat(file)]);
    return { text, holder: holderOf(text), touched: mtimeMs };
  } catch {
    return undefined;
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    const found = JSON.parse(text) as Partial<Holder> | null;
    const strings = [found?.machine, found?.started, found?.host, found?.id, found?.what];
    const known = Number.isSafeInteger(found?.pid) && strings.every((each) => typeof each === "string");
    return known ? (found as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function describe(file: string, { holder }: Seen): string {
  if (!holder) return `${file} is held by somebody who left no name.`;
  const where = holder.machine === thisProcess.machine ? "" : ` on ${holder.host}`;
  return `Process ${holder.pid}${where} is ${holder.what} and holds ${file}.`;
}

/** @file Two processes that do the same training step, each answering line by line, measured in alternation. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Steps that warm caches and allocators up; not counted. */
const WARM_UP = 2;

interface StepAnswer {
  readonly ms: number;
  readonly loss: number;
  readonly peakBytes: number;
  readonly fillMs?: number;
  readonly runMs?: number;
  readonly optimizerMs?: number;
}

export interface SideResult {
  readonly ready: string;
  readonly parameters: number;
  /** Median over the counted steps. */
  readonly msPerStep: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly stepsPerSecond: number;
  readonly peakBytes: number;
  /** Of the first three steps. */
  readonly losses: readonly number[];
  readonly fillMs?: number;
  readonly runMs?: number;
  readonly optimizerMs?: number;
}

/** A process that answers line by line. */
export function side(command: string, args: string[]) {
  const child: ChildProcess = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const read = async <T>(): Promise<T> => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`${command} ${args[0]} ended early`);
    return JSON.parse(value) as T;
  };
  return {
    ready: read<{ ready: string; parameters: number }>(),
    step(): Promise<StepAnswer> {
      child.stdin!.write("step\n");
      return read();
    },
    async end() {
      child.stdin!.end();
      if (child.exitCode === null) await new Promise((done) => child.on("exit", done));
    },
  };
}

const median = (xs: readonly number[]): number => {
  const sorted = [...xs].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Runs `rounds` steps of every side in turn. Who comes first changes, so that none always runs on a warmer machine. */
export async function alternate(
  commands: Readonly<Record<string, readonly [string, string[]]>>,
  rounds: number,
): Promise<Record<string, SideResult>> {
  const entries = Object.entries(commands).map(([name, [command, args]]) => [name, side(command, args)] as const);
  const about = Object.fromEntries(await Promise.all(entries.map(async ([name, s]) => [name, await s.ready] as const)));
  const answers: Record<string, StepAnswer[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < WARM_UP + rounds; round++)
    for (const [name, s] of round % 2 ? entries.toReversed() : entries) answers[name]!.push(await s.step());
  for (const [, s] of entries) await s.end();
  const result = (name: string): SideResult => {
    const counted = answers[name]!.slice(WARM_UP);
    const ms = median(counted.map((a) => a.ms));
    const part = (key: "fillMs" | "runMs" | "optimizerMs") =>
      counted[0]![key] === undefined ? undefined : median(counted.map((a) => a[key]!));
    return {
      ...about[name]!,
      msPerStep: ms,
      fastestMs: Math.min(...counted.map((a) => a.ms)),
      slowestMs: Math.max(...counted.map((a) => a.ms)),
      stepsPerSecond: 1000 / ms,
      peakBytes: answers[name]!.at(-1)!.peakBytes,
      losses: answers[name]!.slice(0, 3).map((a) => a.loss),
      fillMs: part("fillMs"),
      runMs: part("runMs"),
      optimizerMs: part("optimizerMs"),
    };
  };
  return Object.fromEntries(entries.map(([name]) => [name, result(name)]));
}

/** @file The thread that compares two expressions by computer algebra; whoever started it ends it when it takes too long. */
import { type MessagePort, parentPort } from "node:worker_threads";
import { ComputeEngine } from "@cortex-js/compute-engine";

const TOLERANCE = 1e-6;
/** Points at which two expressions with the same unknowns are compared. */
const POINTS = [0.37, 1.61, -2.29];

/** One question; `signal` is set to 1 when the answer is in the mailbox. */
export interface EquivalenceQuestion {
  id: number;
  a: string;
  b: string;
  signal?: SharedArrayBuffer;
  /** Where the answer goes; by default to whoever started the thread. */
  port?: MessagePort;
}

const engine = new ComputeEngine();
type Expression = ReturnType<typeof engine.parse>;

/** Brackets that the LaTeX parser does not read as intervals: both ends equal, and the same brackets. */
function splitInterval(text: string): { brackets: string; ends: string[] } | null {
  const match = /^([[(])\s*([^,[\]()]+),([^,[\]()]+)\s*([\])])$/.exec(text);
  return match ? { brackets: match[1]! + match[4]!, ends: [match[2]!, match[3]!] } : null;
}

function numeric(expression: Expression): number {
  const value = expression.N();
  return value.im === 0 || value.im === undefined ? Number(value.re) : Number.NaN;
}

function atPoint(expression: Expression, unknowns: readonly string[], point: number): number {
  const values = Object.fromEntries(unknowns.map((name, place) => [name, engine.box(point + place * 0.173)]));
  return numeric(expression.subs(values));
}

function close(x: number, y: number): boolean {
  return Math.abs(x - y) <= TOLERANCE * Math.max(1, Math.abs(y));
}

function equal(a: string, b: string): boolean {
  const [left, right] = [splitInterval(a), splitInterval(b)];
  if (left && right) {
    return left.brackets === right.brackets && left.ends.every((end, place) => equal(end, right.ends[place]!));
  }
  if (/[<>=]|\\[lg]eq?/.test(a) !== /[<>=]|\\[lg]eq?/.test(b)) return false;
  const [x, y] = [engine.parse(a), engine.parse(b)];
  if (!x.isValid || !y.isValid) return false;
  if (x.isSame(y) || x.isEqual(y) === true) return true;
  const unknowns = x.unknowns;
  if (unknowns.length !== y.unknowns.length || unknowns.some((name: string) => !y.unknowns.includes(name)))
    return false;
  if (unknowns.length === 0) return close(numeric(x), numeric(y));
  return POINTS.every((point) => close(atPoint(x, unknowns, point), atPoint(y, unknowns, point)));
}

parentPort?.on("message", ({ id, a, b, signal, port }: EquivalenceQuestion) => {
  let result = false;
  try {
    result = equal(a, b);
  } catch {
    // What cannot be read or computed is not equal.
  }
  (port ?? parentPort!).postMessage({ id, result });
  if (signal) {
    const flag = new Int32Array(signal);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  }
});

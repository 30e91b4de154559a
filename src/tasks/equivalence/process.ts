/** @file The process that compares two expressions by computer algebra; a thread of it ends it when that takes too long. A thread alone would not do: one that runs out of memory takes the whole process with it. */
import { ComputeEngine } from "@cortex-js/compute-engine";
import { startThread } from "../../common/node.ts";
import type { Watched } from "./watchdog.ts";

const TOLERANCE = 1e-6;
/** Points at which two expressions with the same unknowns are compared. */
const POINTS = [0.37, 1.61, -2.29];

/** One question; the answer is a message `{ result }`. */
export interface EquivalenceQuestion {
  a: string;
  b: string;
}

const engine = new ComputeEngine();
// Its own limit is of time on the clock, which a loaded machine would change verdicts by; the watchdog's is of processor time.
engine.context!.timeLimit = Number.POSITIVE_INFINITY;
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

/** An infinity that nobody wrote: a tower of powers beyond the largest number equals every other such tower, so it proves nothing. */
function overflows(expression: Expression): boolean {
  const isWritten = (part: Expression) => part.isNumberLiteral && part.isInfinity === true;
  return expression.subexpressions.some(
    (part: Expression) => part.N().isInfinity && !part.subexpressions.some(isWritten),
  );
}

function equal(a: string, b: string): boolean {
  const [left, right] = [splitInterval(a), splitInterval(b)];
  if (left && right) {
    return left.brackets === right.brackets && left.ends.every((end, place) => equal(end, right.ends[place]!));
  }
  if (/[<>=]|\\[lg]eq?/.test(a) !== /[<>=]|\\[lg]eq?/.test(b)) return false;
  const [x, y] = [engine.parse(a), engine.parse(b)];
  if (!x.isValid || !y.isValid) return false;
  if (x.isSame(y)) return true;
  if (x.isEqual(y) === true) return !overflows(x) && !overflows(y);
  const unknowns = x.unknowns;
  if (unknowns.length !== y.unknowns.length || unknowns.some((name: string) => !y.unknowns.includes(name)))
    return false;
  if (unknowns.length === 0) return close(numeric(x), numeric(y));
  return POINTS.every((point) => close(atPoint(x, unknowns, point), atPoint(y, unknowns, point)));
}

/** The number of the question being compared, for the watchdog; 0 while there is none. */
const open = new Int32Array(new SharedArrayBuffer(4));
let asked = 0;

function show(number: number): void {
  Atomics.store(open, 0, number);
  Atomics.notify(open, 0);
}

process.on("message", ({ a, b }: EquivalenceQuestion) => {
  let result = false;
  show(++asked);
  try {
    result = equal(a, b);
  } catch {
    // What cannot be read or computed is not equal.
  }
  show(0);
  process.send?.({ result });
});
// The limit of the first question begins when it is asked, not while the algebra system loads.
engine.parse("1+x").isEqual(engine.parse("x+1"));
const watched: Watched = { question: open.buffer as SharedArrayBuffer, limitMs: Number(process.argv[2]) };
const watchdog = startThread("watchdog", import.meta.url, { workerData: watched });
watchdog.unref();
watchdog.once("online", () => process.send?.({ ready: true }));

/** @file MathVision's equality of two answers with its accidents, without running code (VLMEvalKit `mathv.is_equal`). */
import { PythonError } from "../python/errors.ts";
import { pyStrip } from "../python/text.ts";
import { latexValue } from "./latex-value.ts";
import { evaluatePython } from "./python-expression.ts";
import { absolute, type PyNumber, subtract } from "./python-number.ts";

const TOLERANCE = 1e-6;

function close(a: PyNumber, b: PyNumber): boolean {
  return absolute(subtract(a, b)) < TOLERANCE;
}

/** Run a comparison that any Python error makes false. */
function attempt(compare: () => boolean): boolean {
  try {
    return compare();
  } catch (error) {
    if (error instanceof PythonError) return false;
    throw error;
  }
}

/**
 * The same text but for case and outer spaces; or both Python arithmetic within 1e-6; or both rational LaTeX within
 * 1e-6. Upstream's local variables leak into what it evaluates, so that the answer
 * `a` equals any number, and any number the truth `b`.
 * @example pythonEqual("\\frac{1}{2}", "0.5") // true
 */
export function pythonEqual(answer: string, truth: string): boolean {
  const said = pyStrip(answer.toLowerCase());
  const right = pyStrip(truth.toLowerCase());
  if (said === right) return true;
  if (
    attempt(() => {
      const a = evaluatePython(right);
      return close(a, evaluatePython(said, { a }));
    })
  ) {
    return true;
  }
  return attempt(() => {
    if (right === "b") return Number.isFinite(Number(latexValue(said)));
    const a = latexValue(right);
    return close(a, latexValue(said, { a }));
  });
}

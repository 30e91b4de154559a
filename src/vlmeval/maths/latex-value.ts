/** @file The value of a LaTeX number as upstream gets it: latex2sympy's result printed as Python and evaluated, so only rational arithmetic survives. */
import { PythonError } from "../python/errors.ts";
import { evaluatePython } from "./python-expression.ts";
import { add, divide, multiply, negate, type PyNumber, power } from "./python-number.ts";

const MAX_LENGTH = 2000;
const MAX_DEPTH = 90;
/** A larger binomial is nobody's answer. */
const MAX_BINOMIAL = 1000n;

/** A value; `exact` is set while latex2sympy still holds an Integer or Rational, which decides mixed fractions. */
interface Term {
  value: PyNumber;
  exact: { p: bigint; q: bigint } | null;
}

const COMMAND_SPACES =
  /\\(?:,|:|;|!|thinspace|medspace|thickspace|quad|qquad|negthinspace|negmedspace|negthickspace)(?![a-z])|\\ /g;
const DEGREE =
  /\^\s*(?:\\circ(?![a-z])|\\circle(?![a-z])|\\degree(?![a-z])|°|\{\\circ\}|\{\\circle\}|\{\\degree\}|\{°\})/g;
const NUMBER = /(?:\d+(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+/y;

function fail(what: string): never {
  throw new PythonError("SyntaxError", what);
}

/** The content of the last box, whatever stands around it; the whole text if there is none. */
function boxedContent(text: string): string {
  const box = Math.max(text.lastIndexOf("\\boxed{"), text.lastIndexOf("\\fbox{"));
  if (box < 0) return text;
  const start = text.indexOf("{", box) + 1;
  let open = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") open++;
    else if (text[at] === "}" && --open === 0) return text.slice(start, at);
  }
  return text.slice(start);
}

/** The part of latex2sympy's clean-up that touches numbers. */
function normalise(text: string): string {
  return boxedContent(text)
    .replace(/\\m?(?:left|right)(?=[\\({[|)\]}])/g, "")
    .replace(/\\\$|\$|(?<!\\)["']|\\displaystyle/g, "")
    .replace(/\\math(?:rm|it|bf)/g, "\\text")
    .replace(/\\text(?:normal|bf|it|rm)/g, "\\text")
    .replace(/\\[dtc]frac/g, "\\frac")
    .replace(/\s\./g, " 0.")
    .replace(/\{\./g, "{0.")
    .replace(/\s*\{\s*,\s*\}/g, ",")
    .replace(/\s*\b(?:percentage|percent|pct)\b/g, "%")
    .replace(/\\\\(?=[a-z])/g, "\\")
    .replace(COMMAND_SPACES, " ")
    .replace(DEGREE, "")
    .trim();
}

function exactTerm(p: bigint, q: bigint): Term {
  if (q === 0n) throw new PythonError("NameError", "name 'zoo' is not defined");
  const [num, den] = q < 0n ? [-p, -q] : [p, q];
  let [x, y] = [num < 0n ? -num : num, den];
  while (y !== 0n) [x, y] = [y, x % y];
  const exact = { p: num / (x || 1n), q: den / (x || 1n) };
  return { value: exact.q === 1n ? exact.p : divide(exact.p, exact.q), exact };
}

const loose = (value: PyNumber): Term => ({ value, exact: null });

function quotient(a: Term, b: Term): Term {
  if (a.exact?.q === 1n && b.exact?.q === 1n) return exactTerm(a.exact.p, b.exact.p);
  return loose(divide(a.value, b.value));
}

/** Side by side is a product, but a whole number before a positive fraction makes a mixed one. */
function juxtapose(a: Term, b: Term): Term {
  if (a.exact?.q === 1n && b.exact && b.exact.p > 0n) {
    const whole = a.exact.p * b.exact.q;
    return exactTerm(a.exact.p < 0n ? whole - b.exact.p : whole + b.exact.p, b.exact.q);
  }
  return loose(multiply(a.value, b.value));
}

function binomial(n: Term, k: Term): Term {
  if (n.exact?.q !== 1n || k.exact?.q !== 1n) fail("a binomial of fractions");
  const [top, bottom] = [n.exact.p, k.exact.p];
  if (top < 0n || bottom < 0n || top > MAX_BINOMIAL) fail("a binomial out of range");
  let result = 1n;
  for (let i = 0n; i < bottom && result !== 0n; i++) result = (result * (top - i)) / (i + 1n);
  return exactTerm(result, 1n);
}

class LatexReader {
  at = 0;
  depth = 0;
  constructor(
    readonly text: string,
    readonly names: Readonly<Record<string, PyNumber>>,
  ) {}

  skip(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  /** Take one of the given spellings; a command must not run on in letters. */
  take(...spellings: string[]): boolean {
    this.skip();
    for (const spelling of spellings) {
      if (!this.text.startsWith(spelling, this.at)) continue;
      if (/^\\[a-z]+$/.test(spelling) && /[a-z]/.test(this.text[this.at + spelling.length] ?? "")) continue;
      this.at += spelling.length;
      return true;
    }
    return false;
  }

  expect(spelling: string): void {
    if (!this.take(spelling)) fail(`expected ${spelling} at character ${this.at}`);
  }

  additive(): Term {
    if (++this.depth > MAX_DEPTH) fail("nesting too deep");
    let left = this.product();
    for (;;) {
      if (this.take("+")) left = loose(add(left.value, this.product().value));
      else if (this.take("-", "−")) left = loose(add(left.value, negate(this.product().value)));
      else break;
    }
    this.depth--;
    return left;
  }

  product(): Term {
    let left = this.unary();
    for (;;) {
      if (this.take("*", "×", "⋅", "∙", "\\times", "\\cdot")) left = loose(multiply(left.value, this.unary().value));
      else if (this.take("/", "÷", "∕", "\\over", "\\div", ":")) left = quotient(left, this.unary());
      else return left;
    }
  }

  unary(): Term {
    if (this.take("+")) return this.unary();
    if (this.take("-", "−")) {
      const { value, exact } = this.unary();
      return exact ? exactTerm(-exact.p, exact.q) : loose(negate(value));
    }
    const factors = [this.powered()];
    for (let next = this.tryPowered(); next; next = this.tryPowered()) factors.push(next);
    return factors.reduceRight((right, left) => juxtapose(left, right));
  }

  tryPowered(): Term | null {
    this.skip();
    const rest = this.text.slice(this.at, this.at + 8);
    return /^(?:[\d.([{a-z]|\\(?:frac|text|sqrt|binom|lbrack))/.test(rest) ? this.powered() : null;
  }

  powered(): Term {
    let base = this.component();
    while (this.take("^")) {
      const exponent = this.take("{") ? this.until("}") : this.atom();
      // SymPy prints these as square roots, which Python's eval does not know.
      if (exponent.exact?.q === 2n && (exponent.exact.p === 1n || exponent.exact.p === -1n)) fail("a square root");
      base = loose(power(base.value, exponent.value));
    }
    return base;
  }

  until(close: string): Term {
    const inside = this.additive();
    this.expect(close);
    return inside;
  }

  component(): Term {
    if (this.take("(")) return this.until(")");
    if (this.take("\\{")) return this.until("\\}");
    if (this.take("{")) return this.until("}");
    if (this.take("[")) return this.until("]");
    if (this.take("\\frac")) {
      const [top, bottom] = this.twoGroups();
      return quotient(top, bottom);
    }
    if (this.take("\\binom", "\\tbinom", "\\dbinom")) {
      const [n, k] = this.twoGroups();
      return binomial(n, k);
    }
    if (this.take("\\sqrt")) {
      // Without an index the result prints as sqrt(...), which Python's eval does not know.
      if (!this.take("[")) fail("a square root is not rational arithmetic");
      const index = this.until("]");
      if (index.value === 2n) fail("a square root is not rational arithmetic");
      this.expect("{");
      return loose(power(this.until("}").value, divide(1n, index.value)));
    }
    return this.atom();
  }

  twoGroups(): [Term, Term] {
    this.expect("{");
    const first = this.until("}");
    this.expect("{");
    return [first, this.until("}")];
  }

  atom(): Term {
    this.skip();
    NUMBER.lastIndex = this.at;
    const digits = NUMBER.exec(this.text)?.[0];
    if (digits !== undefined) {
      this.at += digits.length;
      const plain = digits.replaceAll(",", "");
      const subscript = /_(?:\d+|[a-z]|\{[^{}]*\})/y;
      subscript.lastIndex = this.at;
      this.at += subscript.exec(this.text)?.[0].length ?? 0;
      const percent = /\s?\\?%/y;
      percent.lastIndex = this.at;
      const sign = percent.exec(this.text)?.[0];
      const number = plain.includes(".") ? loose(Number(plain)) : exactTerm(BigInt(plain), 1n);
      if (sign === undefined) return number;
      this.at += sign.length;
      return loose(multiply(number.value, 0.01));
    }
    if (this.take("\\text", "\\mbox")) {
      // A text becomes a symbol of that name, which is then evaluated as Python.
      const inside = /\s?\{([^}]*)\}/y;
      inside.lastIndex = this.at;
      const match = inside.exec(this.text);
      if (!match) return fail("\\text without a group");
      this.at += match[0].length;
      return loose(evaluatePython(match[1]!.trim(), this.names));
    }
    const name = this.text[this.at] ?? "";
    if (/[a-z]/.test(name) && Object.hasOwn(this.names, name)) {
      this.at++;
      return loose(this.names[name]!);
    }
    return fail(`nothing numeric at character ${this.at}`);
  }
}

/**
 * The rational value of a LaTeX text (already in lower case).
 * @param names values of single letters; upstream's evaluation sees its own local variables
 * @throws PythonError when latex2sympy, or Python's evaluation of what it prints, would fail or give no number
 * @example latexValue("\\frac{1}{2}") // 0.5
 */
export function latexValue(text: string, names: Readonly<Record<string, PyNumber>> = {}): PyNumber {
  if (text.length > MAX_LENGTH) fail(`longer than ${MAX_LENGTH} characters`);
  const cleaned = normalise(text);
  if (/^(?:\{[^{}]*\}|\\\{[^{}]*\\\})$/.test(cleaned)) throw new PythonError("TypeError", "a set is no number");
  const reader = new LatexReader(cleaned, names);
  const term = reader.additive();
  reader.skip();
  if (reader.at < reader.text.length) fail(`unexpected text at character ${reader.at}`);
  return term.value;
}

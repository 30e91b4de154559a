/** @file A safe reader of the Python arithmetic that upstream hands to `eval`: numbers, operators, brackets, a few functions, names given to it; nothing else. */
import { PythonError } from "../python/errors.ts";
import {
  absolute,
  add,
  bitwise,
  divide,
  floorDivide,
  modulo,
  multiply,
  negate,
  type PyNumber,
  power,
  shift,
  subtract,
  toFloat,
} from "./python-number.ts";

/** Longer texts are no numbers; upstream's parser would run out of stack on such nesting too. */
const MAX_LENGTH = 2000;
const MAX_DEPTH = 90;
const TOKEN =
  /\s*(?:(0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d+(?:_\d+)*)?\.\d+(?:_\d+)*(?:[eE][+-]?\d+(?:_\d+)*)?|\d+(?:_\d+)*\.?(?:[eE][+-]?\d+(?:_\d+)*)?)(?![\w.])|([A-Za-z_]\w*)|(\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%^|&~()<>,]))/y;

type Token = { kind: "number" | "name" | "operator"; text: string };

const FUNCTIONS = new Map<string, (args: PyNumber[]) => PyNumber>(
  Object.entries({
    abs: ([x]) => absolute(x!),
    float: ([x]) => toFloat(x!),
    int: ([x]) => (typeof x === "bigint" ? x : BigInt(Math.trunc(x!))),
    // biome-ignore lint/complexity/useMathMinMax: Math.max knows no bigint
    max: (args) => args.reduce((a, b) => (b > a ? b : a)),
    // biome-ignore lint/complexity/useMathMinMax: Math.min knows no bigint
    min: (args) => args.reduce((a, b) => (b < a ? b : a)),
    pow: ([x, y]) => power(x!, y!),
  }),
);

const BINARY = new Map<string, (a: PyNumber, b: PyNumber) => PyNumber>(
  Object.entries({
    "|": (a, b) => bitwise(a, b, "|"),
    "^": (a, b) => bitwise(a, b, "^"),
    "&": (a, b) => bitwise(a, b, "&"),
    "<<": (a, b) => shift(a, b, true),
    ">>": (a, b) => shift(a, b, false),
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": floorDivide,
    "%": modulo,
  }),
);
/** Loosest first. */
const LEVELS = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%"]];
const COMPARE = new Map<string, (a: PyNumber, b: PyNumber) => boolean>(
  Object.entries({
    "<": (a, b) => a < b,
    ">": (a, b) => a > b,
    "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b,
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of one value are equal in Python
    "==": (a, b) => a == b,
    // biome-ignore lint/suspicious/noDoubleEquals: as above
    "!=": (a, b) => a != b,
  }),
);

function syntax(what: string): never {
  throw new PythonError("SyntaxError", what);
}

function tokenize(text: string): Token[] {
  const source = text.replace(/#[^\n]*/g, "");
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < source.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (!match) {
      if (/^\s*$/.test(source.slice(at))) break;
      syntax(`unexpected text at character ${at}`);
    }
    const [number, name, operator] = match.slice(1);
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "operator", text: operator! });
  }
  return tokens;
}

function readNumber(text: string): PyNumber {
  const plain = text.replaceAll("_", "");
  if (/^0[xob]/i.test(plain)) return BigInt(plain);
  if (!/^\d+$/.test(plain)) return Number(plain);
  if (/^0+[1-9]/.test(plain)) syntax("leading zeros in an integer");
  return BigInt(plain);
}

/**
 * Evaluate.
 * @param names the values of names that the text may use
 * @throws PythonError for everything that Python would refuse, and for what this reader does not know
 * @example evaluatePython("2^3") // 1n, since the caret is exclusive or
 */
export function evaluatePython(text: string, names: Readonly<Record<string, PyNumber>> = {}): PyNumber {
  if (text.length > MAX_LENGTH) syntax(`longer than ${MAX_LENGTH} characters`);
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;
  const peek = (operator: string) => tokens[at]?.kind === "operator" && tokens[at]!.text === operator;
  const take = (operator: string) => {
    if (!peek(operator)) syntax(`expected ${operator}`);
    at++;
  };
  const list = (): PyNumber[] => {
    const items: PyNumber[] = [];
    take("(");
    while (!peek(")")) {
      items.push(either());
      if (!peek(")")) take(",");
    }
    take(")");
    return items;
  };
  const atom = (): PyNumber => {
    const token = tokens[at];
    if (!token) return syntax("unexpected end");
    if (token.kind === "number") {
      at++;
      return readNumber(token.text);
    }
    if (token.kind === "name") {
      at++;
      if (peek("(")) {
        const call = FUNCTIONS.get(token.text);
        const args = list();
        if (!call || args.length === 0)
          throw new PythonError("NameError", `function '${token.text}' is not known here`);
        return call(args);
      }
      if (!Object.hasOwn(names, token.text)) throw new PythonError("NameError", `name '${token.text}' is not defined`);
      return names[token.text]!;
    }
    take("(");
    const inside = either();
    if (peek(",")) throw new PythonError("TypeError", "a tuple is no number");
    take(")");
    return inside;
  };
  const unary = (): PyNumber => {
    if (++depth > MAX_DEPTH) syntax("nesting too deep");
    let value: PyNumber;
    if (peek("-") || peek("+") || peek("~")) {
      const operator = tokens[at++]!.text;
      const operand = unary();
      if (operator === "~") value = bitwise(operand, -1n, "^");
      else value = operator === "-" ? negate(operand) : operand;
    } else {
      value = atom();
      if (peek("**")) {
        at++;
        value = power(value, unary());
      }
    }
    depth--;
    return value;
  };
  const level = (index: number): PyNumber => {
    if (index === LEVELS.length) return unary();
    let value = level(index + 1);
    while (tokens[at]?.kind === "operator" && LEVELS[index]!.includes(tokens[at]!.text)) {
      const operator = tokens[at++]!.text;
      value = BINARY.get(operator)!(value, level(index + 1));
    }
    return value;
  };
  const comparison = (): PyNumber => {
    let left = level(0);
    let truth: boolean | null = null;
    while (tokens[at]?.kind === "operator" && COMPARE.has(tokens[at]!.text)) {
      const operator = tokens[at++]!.text;
      const right = level(0);
      truth = (truth ?? true) && COMPARE.get(operator)!(left, right);
      left = right;
    }
    return truth === null ? left : truth ? 1n : 0n;
  };
  const word = (name: string) => tokens[at]?.kind === "name" && tokens[at]!.text === name;
  const inverted = (): PyNumber => {
    if (!word("not")) return comparison();
    at++;
    return Number(inverted()) === 0 ? 1n : 0n;
  };
  const both = (): PyNumber => {
    let left = inverted();
    while (word("and")) {
      at++;
      const right = inverted();
      left = Number(left) === 0 ? left : right;
    }
    return left;
  };
  // The function is hoisted: brackets and calls lead back to the loosest operator.
  function either(): PyNumber {
    let left = both();
    while (word("or")) {
      at++;
      const right = both();
      left = Number(left) === 0 ? right : left;
    }
    return left;
  }
  const value = either();
  if (peek(",")) throw new PythonError("TypeError", "a tuple is no number");
  if (at < tokens.length) syntax("unexpected text after the expression");
  return value;
}

/** @file Numbers between bounds: decimal texts that a digit-by-digit comparison with the bounds lets through. */
import type { Network, State } from "./network.ts";

/** What a number may be; a bound that is excluded may not be reached. */
export interface NumberRange {
  whole: boolean;
  minimum: number;
  maximum: number;
  excludesMinimum: boolean;
  excludesMaximum: boolean;
  /** Most digits after the point. */
  decimals: number;
}

/** Decimal digits of which a double keeps every one, so that what fits as text also fits as a number. */
export const EXACT_DIGITS = 15;

/** A decimal number that is not negative: digits before and after the point. */
interface Decimal {
  whole: string;
  fraction: string;
}

/** Both bounds of numbers that are not negative. */
interface Bounds {
  low: Decimal;
  high: Decimal | undefined;
  excludesLow: boolean;
  excludesHigh: boolean;
}

/** A number within a range; there is no way on from the state returned where no number is. */
export function numberRange(network: Network, range: NumberRange, next: State): State {
  const { minimum, maximum, excludesMinimum, excludesMaximum } = range;
  const starts: State[] = [];
  if (maximum >= 0) {
    const bounds: Bounds = {
      low: decimal(Math.max(0, minimum)),
      high: Number.isFinite(maximum) ? decimal(maximum) : undefined,
      excludesLow: minimum >= 0 && excludesMinimum,
      excludesHigh: excludesMaximum,
    };
    starts.push(notNegative(network, bounds, range, next));
  }
  if (minimum < 0) {
    const bounds: Bounds = {
      low: decimal(Math.max(0, -maximum)),
      high: Number.isFinite(minimum) ? decimal(-minimum) : undefined,
      // There is no -0.
      excludesLow: maximum >= 0 || excludesMaximum,
      excludesHigh: excludesMinimum,
    };
    starts.push(network.text("-", notNegative(network, bounds, range, next)));
  }
  return network.choice(starts);
}

function notNegative(network: Network, bounds: Bounds, range: NumberRange, next: State): State {
  const { low, high } = bounds;
  const decimals = (whole: string) =>
    range.whole ? 0 : Math.max(0, Math.min(range.decimals, EXACT_DIGITS - whole.length));
  const starts: State[] = [];
  const at = (whole: string, tightLow: boolean, tightHigh: boolean) => {
    const fraction = new Fractions(network, bounds, decimals(whole), next).after(tightLow, tightHigh);
    if (fraction !== undefined) starts.push(network.text(whole, fraction));
  };
  if (high && compare(low.whole, high.whole) > 0) return network.choice([]);
  if (high && low.whole === high.whole) {
    at(low.whole, true, true);
    return network.choice(starts);
  }
  at(low.whole, true, false);
  const most = high?.whole ?? "9".repeat(Math.max(EXACT_DIGITS, low.whole.length));
  const between = { low: successor(low.whole), high: high ? predecessor(high.whole) : most };
  if (compare(between.low, between.high) <= 0) {
    const free = new Fractions(network, bounds, decimals(high?.whole ?? "0"), next).after(false, false)!;
    starts.push(naturals(network, between.low, between.high, free));
  }
  if (high) at(high.whole, false, true);
  return network.choice(starts);
}

/** Fractions of numbers whose digits before the point are those of a bound, or lie between the bounds. */
class Fractions {
  readonly #network: Network;
  readonly #bounds: Bounds;
  readonly #decimals: number;
  readonly #next: State;
  readonly #known = new Map<string, State | undefined>();

  constructor(network: Network, bounds: Bounds, decimals: number, next: State) {
    this.#network = network;
    this.#bounds = bounds;
    this.#decimals = decimals;
    this.#next = next;
  }

  /** What may follow the digits before the point. A side is tight while all digits were the bound's own. */
  after(tightLow: boolean, tightHigh: boolean): State | undefined {
    const starts = this.#mayEnd(0, tightLow, tightHigh) ? [this.#next] : [];
    const digits = this.#digit(0, tightLow, tightHigh);
    if (digits !== undefined) starts.push(this.#network.text(".", digits));
    return starts.length > 0 ? this.#network.choice(starts) : undefined;
  }

  #mayEnd(place: number, tightLow: boolean, tightHigh: boolean): boolean {
    const { low, high, excludesLow, excludesHigh } = this.#bounds;
    const atLow = tightLow && (place >= low.fraction.length || excludesLow);
    if (tightLow && place < low.fraction.length) return false;
    if (atLow && excludesLow) return false;
    return !(tightHigh && excludesHigh && place >= high!.fraction.length);
  }

  #digit(place: number, tightLow: boolean, tightHigh: boolean): State | undefined {
    if (place >= this.#decimals) return undefined;
    const key = `${place} ${tightLow} ${tightHigh}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const { low, high } = this.#bounds;
    const least = tightLow ? Number(low.fraction[place] ?? 0) : 0;
    const most = tightHigh ? Number(high!.fraction[place] ?? 0) : 9;
    const state = this.#network.state();
    const edges = this.#network.edges[state]!;
    for (let digit = least; digit <= most; digit += 1) {
      const [staysLow, staysHigh] = [tightLow && digit === least, tightHigh && digit === most];
      const further = this.#digit(place + 1, staysLow, staysHigh);
      if (further !== undefined) edges.push(0x30 + digit, 0x30 + digit, further);
      if (this.#mayEnd(place + 1, staysLow, staysHigh)) edges.push(0x30 + digit, 0x30 + digit, this.#next);
    }
    const result = edges.length > 0 ? state : undefined;
    this.#known.set(key, result);
    return result;
  }
}

/** Whole numbers without leading zeros between two others. */
function naturals(network: Network, low: string, high: string, next: State): State {
  const starts: State[] = [];
  for (let length = low.length; length <= high.length; length += 1) {
    const least = length === low.length ? low : `1${"0".repeat(length - 1)}`;
    const most = length === high.length ? high : "9".repeat(length);
    starts.push(sameLength(network, least, most, next));
  }
  return network.choice(starts);
}

function sameLength(network: Network, least: string, most: string, next: State): State {
  if (least === "") return next;
  const [a, b] = [Number(least[0]), Number(most[0])];
  const rest = [least.slice(1), most.slice(1)] as const;
  const [zeros, nines] = ["0".repeat(rest[0].length), "9".repeat(rest[0].length)];
  const digit = (from: number, to: number, low: string, high: string) =>
    network.bytes(0x30 + from, 0x30 + to, sameLength(network, low, high, next));
  if (rest[0] === zeros && rest[1] === nines) {
    const tail = network.repeat((after) => network.bytes(0x30, 0x39, after), rest[0].length, rest[0].length, next);
    return network.bytes(0x30 + a, 0x30 + b, tail);
  }
  if (a === b) return digit(a, b, ...rest);
  const starts = [digit(a, a, rest[0], nines), digit(b, b, zeros, rest[1])];
  if (b - a > 1) starts.push(digit(a + 1, b - 1, zeros, nines));
  return network.choice(starts);
}

/** A finite number that is not negative, digit by digit, without trailing zeros after the point. */
function decimal(value: number): Decimal {
  const [mantissa, exponent = "0"] = String(value).split("e") as [string, string?];
  const [whole, fraction = ""] = mantissa.split(".") as [string, string?];
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const left = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  const right = point > 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return { whole: left.replace(/^0+(?=\d)/, ""), fraction: right.replace(/0+$/, "") };
}

const compare = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
const successor = (digits: string): string => String(BigInt(digits) + 1n);
const predecessor = (digits: string): string => String(BigInt(digits) - 1n);

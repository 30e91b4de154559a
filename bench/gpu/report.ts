/** @file The section of RESULTS.md about GPUs. */
import { type Machine, machineLine } from "../machine.ts";

/** The family's figure on the model card, tokens/s on a GPU of theirs. */
const FAMILY = 60.73;

export interface GpuTimes {
  /** Loading, and compiling where nothing was compiled yet. */
  readyS: number;
  /** Time to the first token of the very first answer, for which shaders are compiled. */
  firstMs: number;
  promptTokens: number;
  /** Medians over answers to new pictures. */
  imageMs: number;
  prefillMs: number;
  ttftMs: number;
  tokenMs: number;
  /** Tokens per second by number of requests: while all are written, and with their prompts. */
  together: Record<number, number>;
  overall: Record<number, number>;
  memoryBytes: number | undefined;
}

export interface GpuResults {
  device: string;
  adapter: string;
  machine: Machine;
  tokens: number;
  presets: Record<string, GpuTimes>;
  /** Other programs on the same card: milliseconds of a picture, of a prompt and of a token. */
  peers?: Record<string, { imageMs: number; prefillMs: number; tokenMs: number }>;
}

/** Markdown with a table of single answers and one of many at once. */
export function markdown({ device, adapter, machine, tokens, presets, peers = {} }: GpuResults): string {
  const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
  const rate = (tokenMs: number) => (1000 / tokenMs).toFixed(1);
  const single = Object.entries(presets).map(([name, t]) => [
    name,
    ms(t.ttftMs),
    ms(t.imageMs),
    ms(t.prefillMs),
    ms(t.tokenMs),
    rate(t.tokenMs),
    (1000 / t.tokenMs / FAMILY).toFixed(2),
    t.memoryBytes === undefined ? "" : `${(t.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    `${t.readyS.toFixed(0)} s`,
    `${(t.firstMs / 1000).toFixed(1)} s`,
  ]);
  for (const [name, { imageMs, prefillMs, tokenMs }] of Object.entries(peers)) {
    const cells = [ms(imageMs + prefillMs), ms(imageMs), ms(prefillMs), ms(tokenMs), rate(tokenMs)];
    single.push([name, ...cells, (1000 / tokenMs / FAMILY).toFixed(2), "", "", ""]);
  }
  const counts = Object.keys(Object.values(presets)[0]!.together);
  const many = Object.entries(presets).map(([name, t]) => [
    name,
    ...counts.map((n) => t.together[Number(n)]!.toFixed(0)),
  ]);
  const table = (head: string[], rows: string[][]) =>
    [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
  const prompt = Object.values(presets)[0]!.promptTokens;
  return `## On a GPU

Random weights of FlashVL-2B-Static (2,301,306,304 parameters) through device \`${device}\`, \`tsx bench/gpu/main.ts\`; **${adapter}**; ${machineLine(machine)}.
A prompt of ${prompt} tokens with a new 512×512 picture, ${tokens} tokens per answer, medians. The model card's figure for the family is ${FAMILY} tokens/s, on its own hardware.

${table(["", "time to first token", "picture", "prompt", "per token", "tokens/s", `/ ${FAMILY}`, "card's memory after all runs", "ready after", "very first token"], single)}

Tokens per second of all requests together, by their number:

${table(["requests", ...counts], many)}`;
}

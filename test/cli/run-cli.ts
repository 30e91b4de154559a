/** @file Runs the command line for tests: in a child process as users do, or within this one, which is quicker. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { run } from "../../src/cli/run.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Shown everything that stdout has said so far; Ctrl-C is pressed when it first returns true. */
  interruptWhen?: (stdout: string) => boolean;
  /** A file that takes stdout. */
  stdoutTo?: string;
}

const isOurs = (name: string) => /^(FLASHVL|HF|HUGGINGFACE|HUGGING)_/.test(name);

/** `flashvl <args>` in a child process, with none of the machine's own FLASHVL_ and HF_ settings. */
export async function runCli(
  args: string[],
  { env = {}, stdin = "", interruptWhen, stdoutTo }: CliOptions = {},
): Promise<CliRun> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, ...args], {
    env: { ...clean, ...env },
    stdio: ["pipe", stdoutTo === undefined ? "pipe" : openSync(stdoutTo, "w"), "pipe"],
  });
  const result: CliRun = { code: null, stdout: "", stderr: "" };
  let interrupted = false;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    result.stdout += text;
    if (interrupted || !interruptWhen?.(result.stdout)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    result.stderr += text;
  });
  child.stdin!.on("error", () => {}); // a command that fails early does not read it
  child.stdin!.end(stdin);
  [result.code] = (await once(child, "close")) as [number | null];
  return result;
}

/** The same within this process; what commands write is caught. One at a time. */
export async function runHere(args: string[], env: Record<string, string> = {}): Promise<CliRun> {
  for (const name of Object.keys(process.env).filter(isOurs)) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const result: CliRun = { code: null, stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
      result[stream] += String(chunk);
      return true;
    }),
  );
  try {
    result.code = await run(args);
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
  return result;
}

/** @file Starts `flashvl serve` as a process of its own for a load, so that its memory and time are not the load tool's. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A server started for one load. */
export interface OwnServer {
  url: string;
  /** Asks it to end (SIGTERM) and resolves with its exit code. */
  stop(): Promise<number | null>;
}

const COMMAND = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const MODEL_LOAD_MS = 180_000;

/**
 * Starts a server on a free loopback port and resolves when its model is loaded. Throws an Error with the server's last
 * words when it ends before.
 *
 * @example const { url, stop } = await startOwnServer(["models/flashvl-tiny", "--parallel", "4"]);
 */
export async function startOwnServer(args: string[]): Promise<OwnServer> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", COMMAND, "serve", ...args, "--port", "0", "--log-level", "error"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  try {
    const url = await listening(child);
    await ready(url, child);
    return { url, stop };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function listening(child: ChildProcess): Promise<string> {
  let out = "";
  let words = "";
  child.stderr!.on("data", (chunk) => {
    words = (words + chunk).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    child.stdout!.on("data", (chunk) => {
      out += chunk;
      const url = /Listening on (\S+)/.exec(out)?.[1];
      if (url) resolve(url);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The server ended with code ${code} before it listened:\n${words}`)));
  });
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + MODEL_LOAD_MS;
  while (performance.now() < until && child.exitCode === null) {
    if ((await fetch(`${url}/ready`)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The server at ${url} did not become ready in ${MODEL_LOAD_MS / 1000} s.`);
}

/** @file `flashvl cache [--check] [--prune]`: what the cache of compiled graphs holds, and the removal of what no start can use. */
import type { Command } from "commander";
import type { CompiledEntry } from "../../compile/index.ts";
import { BadInputError, UsageError } from "../fail.ts";
import type { CommonOptions } from "../shared-options.ts";
import { formatBytes, formatTable } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  cache?: string;
  prune?: boolean;
  all?: boolean;
  check?: boolean;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  program
    .command("cache")
    .description("list the compiled graphs, or remove those that are of no use any more")
    .option("--check", "read all files and compare them with their checksums; exit code 4 when one is damaged")
    .option("--prune", "remove what other versions made, what has lost its checkpoint, and what is incomplete")
    .option("--all", "with --prune: remove everything that is not being written")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)")
    .action((options: Options) => withInterrupt((signal) => cache(options, signal)));
}

async function cache({ cache: cacheDir, prune, all, check, json }: Options, signal: AbortSignal): Promise<void> {
  if (all && !prune) throw new UsageError("--all says what to remove; use it with --prune.");
  const { listCompiled, pruneCompiled, writableCacheFolder } = await import("../../compile/index.ts");
  const { nativeRuntime } = await import("../../runtime/ort/index.ts");
  const options = { cacheDir, runtimeVersion: nativeRuntime().version, check, signal };
  const entries = prune ? await pruneCompiled({ ...options, all }) : await listCompiled(options);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const folder = await writableCacheFolder(cacheDir);
  if (json) printJson({ folder, bytes, [prune ? "removed" : "entries"]: entries });
  else {
    if (entries.length > 0) printLines(formatTable(entries.map(row), [1]));
    process.stderr.write(`${formatBytes(bytes)} ${prune ? "removed from" : "in"} ${folder}\n`);
  }
  const damaged = prune ? [] : entries.filter(({ state }) => state === "damaged");
  if (damaged.length > 0)
    throw new BadInputError(
      `${damaged.map((entry) => entry.folder).join(" and ")}: other bytes than were written. Remove them with flashvl cache --check --prune; the next start compiles them anew.`,
    );
}

const row = ({ state, bytes, preset, versions, checkpoint, folder }: CompiledEntry): string[] => [
  state,
  formatBytes(bytes),
  preset ?? "",
  versions ?? "",
  checkpoint ?? folder,
];

/** @file `flashvl cache [--prune]`: what the cache of compiled graphs holds, and the removal of what no start can use. */
import type { Command } from "commander";
import type { CompiledEntry } from "../../engine/index.ts";
import { UsageError } from "../fail.ts";
import type { CommonOptions } from "../shared-options.ts";
import { formatBytes, formatTable } from "../terminal/format.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  cache?: string;
  prune?: boolean;
  all?: boolean;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  program
    .command("cache")
    .description("list the compiled graphs, or remove those that are of no use any more")
    .option("--prune", "remove what other versions made, what has lost its checkpoint, and what is incomplete")
    .option("--all", "with --prune: remove everything that is not being written")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)")
    .action((options: Options) => cache(options));
}

async function cache({ cache: cacheDir, prune, all, json }: Options): Promise<void> {
  if (all && !prune) throw new UsageError("--all says what to remove; use it with --prune.");
  const { compileCacheFolder, listCompiled, nativeRuntime, pruneCompiled } = await import("../../engine/index.ts");
  const options = { cacheDir, runtimeVersion: nativeRuntime().version };
  const entries = prune ? await pruneCompiled({ ...options, all }) : await listCompiled(options);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const folder = compileCacheFolder(cacheDir);
  if (json) return printJson({ folder, bytes, [prune ? "removed" : "entries"]: entries });
  if (entries.length > 0) printLines(formatTable(entries.map(row), [1]));
  process.stderr.write(`${formatBytes(bytes)} ${prune ? "removed from" : "in"} ${folder}\n`);
}

const row = ({ state, bytes, preset, versions, checkpoint, folder }: CompiledEntry): string[] => [
  state,
  formatBytes(bytes),
  preset ?? "",
  versions ?? "",
  checkpoint ?? folder,
];

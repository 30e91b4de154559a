/** @file `flashvl push NAME --model FOLDER`: a trained model, with a card written from its run, onto a hub. */
import type { Command } from "commander";
import type { CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  model: string;
  private?: boolean;
  revision?: string;
  update?: boolean;
  base?: string;
  license?: string;
  dataset?: string[];
  dryRun?: boolean;
  endpoint?: string;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  program
    .command("push")
    .description("upload a model or an adapter to the hub, with a card written from recipe, data and scores")
    .argument("<name>", "org/name on the hub")
    .requiredOption("-m, --model <folder>", "what is pushed, such as runs/meters/best")
    .option("--private", "only its owners see the repository (default: as the organisation has it)")
    .option("--revision <branch>", "branch that the files go to (default: main)")
    .option("--update", "add a commit to a repository that exists already")
    .option("--base <name>", "what the model that was trained from is called on the hub")
    .option("--license <id>", "license in the card, such as apache-2.0")
    .option("--dataset <name...>", "data sets on the hub that it was trained on, for the card")
    .option("--dry-run", "list the files and print the card, and send nothing")
    .option("--endpoint <url>", "address of the hub (default: HF_ENDPOINT, https://huggingface.co)")
    .addHelpText(
      "after",
      "\nThe token comes from HF_TOKEN or the file that `hf auth login` writes; it needs the right to write.\n\nExamples:\n  flashvl push me/meters --model runs/meters/best --private --dry-run\n  flashvl push me/meters --model runs/meters/best --private",
    )
    .action((name: string, options: Options) => withInterrupt((signal) => push(name, options, signal)));
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} kB`.padStart(12);

async function push(name: string, options: Options, signal: AbortSignal): Promise<void> {
  const { filesToPush } = await import("../../train/index.ts");
  const { parseModelName, pushModel } = await import("../../hub/index.ts");
  const { repo } = parseModelName(name);
  const target = options.revision ? `${repo}@${options.revision}` : name;
  parseModelName(target);
  const { base, license, dataset: datasets } = options;
  const { files, sizes } = await filesToPush(options.model, { repo, base, license, datasets });
  if (options.dryRun) {
    if (options.json) return printJson({ repo, files: files.map((file, i) => ({ name: file.name, bytes: sizes[i] })) });
    const card = files.find((file) => file.name === "README.md")!.content;
    return printLines([
      ...files.map((file, i) => `${kilobytes(sizes[i]!)}  ${file.name}`),
      ...("text" in card ? ["", card.text.trimEnd()] : []),
    ]);
  }
  process.stderr.write(`${files.length} files, ${kilobytes(sizes.reduce((n, size) => n + size, 0)).trim()}\n`);
  const { private: hidden, update, endpoint } = options;
  const pushed = await pushModel(target, files, { private: hidden, update, endpoint, signal });
  if (options.json) printJson(pushed);
  else printLines([pushed.url]);
}

/** @file The model card of what was trained: README.md with the header that a hub reads, written from recipe, data and scores. */

import { stringify } from "yaml";
import type { TrainedRun } from "./run-of.ts";

export interface CardOptions {
  /** "org/name" on the hub. */
  readonly repo: string;
  /** The model that was trained from, on the hub. */
  readonly base?: string;
  /** The files are an adapter alone. */
  readonly adapter: boolean;
  /** Where the folder is no checkpoint of a run, nothing is known of it. */
  readonly run?: TrainedRun;
  readonly license?: string;
  /** Data sets on the hub. */
  readonly datasets?: readonly string[];
}

/** Our metrics by the names that hubs have. */
const METRICS = new Map([
  ["exact", "exact_match"],
  ["accuracy", "accuracy"],
]);
const isShare = (metric: string): boolean => !/loss|margin|length/.test(metric);
const show = (metric: string, value: number | undefined): string => {
  if (value === undefined) return "";
  return isShare(metric) ? `${(100 * value).toFixed(1)} %` : value.toPrecision(4);
};

function header({ repo, base, adapter, run, license, datasets }: CardOptions): string {
  const known = run?.scores.filter(({ metric }) => METRICS.get(metric)) ?? [];
  const results = known.map(({ metric, after }) => ({
    task: { type: "image-text-to-text" },
    dataset: { name: "held-out rows", type: datasets?.[0] ?? "private" },
    metrics: [{ type: METRICS.get(metric), value: after }],
  }));
  const content = {
    ...(license && { license }),
    ...(base && { base_model: base, base_model_relation: adapter ? "adapter" : "finetune" }),
    library_name: "flashvl",
    pipeline_tag: "image-text-to-text",
    tags: ["flashvl", ...(run ? [String(run.recipe.stage)] : []), ...(adapter ? ["lora"] : [])],
    ...(datasets?.length && { datasets }),
    ...(known.length && {
      metrics: known.map(({ metric }) => METRICS.get(metric)),
      "model-index": [{ name: repo.split("/")[1], results }],
    }),
  };
  return `---\n${stringify(content)}---\n`;
}

function table(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const [head, ...rest] = rows;
  return [line(head!), line(head!.map(() => "---")), ...rest.map(line)].join("\n");
}

/**
 * The card as Markdown.
 * @example modelCard({ repo: "me/meters", base: "org/base", adapter: true, run })
 */
export function modelCard(options: CardOptions): string {
  const { repo, base, adapter, run } = options;
  const from = base ? ` of [${base}](https://huggingface.co/${base})` : "";
  const sections = [
    header(options),
    `# ${repo.split("/")[1]}`,
    adapter
      ? `A LoRA${from}, in PEFT's files. It opens on its base wherever flashvl takes a model.`
      : `A fine-tuned model${from}.`,
    `\`\`\`sh\nnpx flashvl chat picture.jpg "Your question" --model ${repo}\nnpx flashvl serve --model ${repo}\n\`\`\``,
  ];
  if (run) {
    const { scores, data, recipe, step } = run;
    const scored = scores.map(({ metric, before, after }) => [metric, show(metric, before), show(metric, after)]);
    if (scored.length)
      sections.push(
        "## Evaluation",
        `On rows that were held out of training, after step ${step}.`,
        table([["metric", "before training", "this model"], ...scored]),
      );
    if (data.length)
      sections.push(
        "## Data",
        table([["file", "bytes", "SHA-256"], ...data.map(({ name, bytes, sha256 }) => [name, `${bytes}`, sha256])]),
      );
    sections.push("## Recipe", `\`\`\`yaml\n${stringify(recipe).trimEnd()}\n\`\`\``);
  }
  return `${sections.join("\n\n")}\n`;
}

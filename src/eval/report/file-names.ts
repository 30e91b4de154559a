/** @file VLMEvalKit's names for the files of an evaluation. */
import type { FileKind } from "../../vlmeval/index.ts";

/** `exact_matching` is upstream's name for "no judge". */
export const NO_JUDGE = "exact_matching";

const EXTENSIONS_BY_SUFFIX: [suffixes: string[], extension: string][] = [
  [["_tmp", "_response", "_processed"], "pkl"],
  [["_rating", "_config", "_meta"], "json"],
  [["_acc", "_fine", "_metrics"], "csv"],
];

/**
 * The name of a file beside the predictions file. Every occurrence of the old extension in the path is replaced, as
 * upstream does, so names of models should hold no dots.
 * @param extension given, or decided by the suffix
 * @example besidePredictions("/w/M_MMStar.xlsx", "_acc") // "/w/M_MMStar_acc.csv"
 */
export function besidePredictions(predictions: string, suffix: string, extension?: string | null): string {
  const old = predictions.slice(predictions.lastIndexOf(".") + 1);
  const bySuffix = EXTENSIONS_BY_SUFFIX.find(([suffixes]) => suffixes.some((end) => suffix.endsWith(end)))?.[1];
  return predictions.replaceAll(`.${old}`, `${suffix}.${extension ?? bySuffix ?? "xlsx"}`);
}

const CHOICE_JUDGES = new Map<string, string>(Object.entries({ "chatgpt-0125": "openai", "gpt-4-0125": "gpt4" }));
const WEMATH_JUDGES = new Map<string, string>(
  Object.entries({
    "gpt-4-0125": "gpt4",
    "gpt-4-turbo": "gpt4-turbo",
    "gpt-4o-mini": "gpt4o-mini",
  }),
);

/** One file: `judged` holds the rows with their verdicts, `table` the results, `pickle` what only Python reads. */
export interface UpstreamFile {
  path: string;
  holds: "predictions" | "post-processed" | "judged" | "extracted" | "table" | "fine" | "pickle";
}

/**
 * The files that VLMEvalKit leaves for a set.
 * @param judge the judge's nick-name, or `exact_matching`
 * @example upstreamFiles("choice", "M_MMStar.xlsx", "gpt-4o-mini")
 */
export function upstreamFiles(kind: FileKind, predictions: string, judge: string): UpstreamFile[] {
  const file = (
    holds: UpstreamFile["holds"],
    suffix: string,
    extension?: string,
    from = predictions,
  ): UpstreamFile => ({
    path: besidePredictions(from, suffix, extension),
    holds,
  });
  const first: UpstreamFile = { path: predictions, holds: "predictions" };
  const choice = (from: string) => {
    const tag = CHOICE_JUDGES.get(judge) ?? judge;
    return [
      file("pickle", `_${tag}_result`, "pkl", from),
      file("judged", `_${tag}_result`, undefined, from),
      file("table", "_acc", "csv", from),
    ];
  };
  switch (kind) {
    case "choice":
      return [first, ...choice(predictions)];
    case "choice-cot": {
      const post = besidePredictions(predictions, "_cotpost");
      return [first, { path: post, holds: "post-processed" }, ...choice(post), file("table", "_acc", "csv")];
    }
    case "wemath": {
      const tag = WEMATH_JUDGES.get(judge) ?? judge;
      const table = file("table", `_${tag}_score`, "csv");
      if (judge === NO_JUDGE) return [first, table];
      return [first, file("pickle", `_${tag}_result`, "pkl"), file("judged", `_${tag}`), table];
    }
    case "judged":
    case "mmvet": {
      const files = [
        first,
        file("pickle", `_${judge}`, "pkl"),
        file("judged", `_${judge}`),
        file("table", `_${judge}_score`, "csv"),
      ];
      return kind === "mmvet" ? [...files, file("fine", `_${judge}_score_fine`, "csv")] : files;
    }
    case "mathverse":
      return [
        first,
        file("pickle", `_${judge}_extract`, "pkl"),
        file("extracted", `_${judge}_extract`),
        file("pickle", `_${judge}_score`, "pkl"),
        file("judged", `_${judge}_score`),
        file("table", `_${judge}_score`, "csv"),
      ];
    case "yes-no":
      return [
        first,
        // The pickle exists only where a judge was asked.
        ...(judge === NO_JUDGE ? [] : [file("pickle", "_tmp")]),
        file("judged", "_auxmatch"),
        file("table", "_score", "csv"),
      ];
    case "ocrbench":
      return [first, file("table", "_score", "json")];
    case "vqa":
      return [first, file("judged", "_results"), file("table", "_acc")];
  }
}

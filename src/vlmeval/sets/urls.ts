/** @file Where VLMEvalKit's data files are published. */

const PREFIX = "https://opencompass.openxlab.space/utils/";

/** @example dataUrl("VLMEval/MMStar.tsv") */
export function dataUrl(path: string): string {
  return PREFIX + path;
}

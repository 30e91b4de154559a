/** @file The market's own score as a reward of sampled answers: 1 for a right one. Rows have their truth in `gold`. */

import type { Completion, PromptRow } from "flashvl/train";
import { type Gold, scoreAnswer } from "../market/index.ts";

export default ({ row, text }: Completion<PromptRow>): number =>
  Number(scoreAnswer(row.columns.gold as Gold, text).correct);

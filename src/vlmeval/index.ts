/** @file The door of the benchmark sets: data files, prompts, scores and reports in the manner of VLMEvalKit. */
export { type ColumnType, typedValue } from "./data/column-type.ts";
export { loadRows, type VlmRow, type VlmRows } from "./data/load-rows.ts";
export { openSource } from "./data/open-source.ts";
export { type PredictionFormat, readBack, repliesAsScored } from "./data/read-back.ts";
export type { RowSource } from "./data/row-source.ts";
export { INTERNVL_MAX_NEW_TOKENS } from "./prompts/internvl.ts";
export { isInternvl, PROMPT_STYLES, type PromptStyle, promptMessages } from "./prompts/style.ts";
export { PythonError } from "./python/errors.ts";
export { parsePyFloat, pyFloatRepr } from "./python/number.ts";
export { API_FAILURE } from "./score/can-infer.ts";
export { UPSTREAM_DIFFERENCES } from "./score/differences.ts";
export {
  type Ask,
  askEquivalence,
  askJudge,
  type Decision,
  type JudgeAsk,
  type Reply,
  type RowScore,
  runProgram,
  type ScoreProgram,
} from "./score/program.ts";
export {
  DEFAULT_RULES,
  MATCHER_VERSIONS,
  type MatcherVersion,
  SCORING_MODES,
  type ScoringMode,
  type ScoringRules,
} from "./score/rules.ts";
export { groupBy, type Table, type Value } from "./score/table.ts";
export {
  type Answered,
  type FileKind,
  type Metric,
  type MetricUnit,
  metricValue,
  type ScoreContext,
  type Scored,
  type SetDefinition,
  type SetReport,
} from "./set-definition.ts";
export { customSet, findSet, VLM_SETS } from "./sets/index.ts";
export { openVlmTask, type VlmTask, type VlmTaskOptions } from "./vlm-task.ts";

/** @file Which rules a score was made with: the matcher's version, and whether upstream's slips are reproduced. */

/** The option matcher changed twice; a published number belongs to the one in force at its time. */
export const MATCHER_VERSIONS = ["2025-05", "2025-08", "2026-06"] as const;
export type MatcherVersion = (typeof MATCHER_VERSIONS)[number];

/** `compat` reproduces VLMEvalKit with its slips, `correct` does not; `UPSTREAM_DIFFERENCES` lists them. */
export const SCORING_MODES = ["compat", "correct"] as const;
export type ScoringMode = (typeof SCORING_MODES)[number];

export interface ScoringRules {
  matcher: MatcherVersion;
  mode: ScoringMode;
}

export const DEFAULT_RULES: ScoringRules = { matcher: "2026-06", mode: "compat" };

/** @file All targets by name. */
import type { OpenTarget } from "./target.ts";
import * as checkpoints from "./targets/checkpoints.ts";
import * as data from "./targets/data.ts";
import * as requests from "./targets/requests.ts";

export const targets: ReadonlyMap<string, OpenTarget> = new Map(
  Object.entries({ ...checkpoints, ...data, ...requests }),
);

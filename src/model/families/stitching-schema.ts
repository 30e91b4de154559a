/** @file The key "stitching" of a config.json, as several families read it. */
import { z } from "zod";

/** The key "stitching" of a config.json that a training run wrote; the published ones have none. */
export const stitchingSchema = z.strictObject({
  form: z.enum(["stitch", "trim", "bilinear", "native"]).optional(),
  // Four of 32 patches at each edge: the only reading of the published facts in which tiles overlap and no edge is lost.
  overlap: z
    .number()
    .min(0)
    .lt(0.5)
    .default(1 / 8),
  frame: z.enum(["neighbour", "edge", "grey"]).default("neighbour"),
  // The published adapter reads single patches.
  pooling: z.enum(["none", "shuffle"]).default("none"),
});

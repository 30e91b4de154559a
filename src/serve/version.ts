/** @file The package's version, and the name of what answers. */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** The package's version, for example "0.1.0". */
export const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/**
 * Names the combination of package and model, as `system_fingerprint` does.
 *
 * @example fingerprintOf(model.info); // "fp_3f0c1a9e52"
 */
export function fingerprintOf(info: object | undefined): string {
  return `fp_${createHash("sha256")
    .update(JSON.stringify([version, info]))
    .digest("hex")
    .slice(0, 10)}`;
}

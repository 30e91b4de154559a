/** @file Whether this machine surely has no GPU: then a device that needs one must be refused. */
import { existsSync } from "node:fs";

/** False where nobody can tell. */
export const noGpu =
  process.platform === "linux" && !["/dev/dri", "/dev/nvidiactl", "/dev/dxg"].some((path) => existsSync(path));

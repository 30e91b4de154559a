/** @file A process of its own that compiles a checkpoint: arguments are its folder and the cache folder. */
import { compileCheckpoint } from "../../../src/compile/index.ts";
import { openCheckpoint } from "../../../src/hub/index.ts";
import { parseConfig } from "../../../src/model/index.ts";

const [folder, cacheDir] = process.argv.slice(2);
const checkpoint = await openCheckpoint(folder!);
const compiled = await compileCheckpoint(checkpoint, parseConfig(checkpoint.config), {
  preset: "fp32",
  runtime: { version: "test", kernels: undefined },
  cacheDir,
});
await checkpoint.close();
process.send!({ folder: compiled.folder, fresh: compiled.fresh }, () => process.disconnect());

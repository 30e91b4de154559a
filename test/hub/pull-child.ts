// Resolves the model named on the command line and prints the progress and the folder, one JSON line each: for tests that kill it.
import { resolveModel } from "../../src/hub/index.ts";

const folder = await resolveModel(process.argv[2] ?? "", {
  onProgress: ({ bytes }) => process.stdout.write(`${JSON.stringify({ bytes })}\n`),
});
process.stdout.write(`${JSON.stringify({ folder })}\n`);

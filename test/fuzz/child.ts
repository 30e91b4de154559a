/** @file One target in a process of its own: `child.ts TARGET SEED SECONDS FOLDER` reads hostile inputs until its time is over. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../src/common/index.ts";
import { change } from "./change.ts";
import { faultOf } from "./target.ts";
import { targets } from "./targets.ts";

const [name, seed, seconds, folder] = process.argv.slice(2) as [string, string, string, string];
const tell = (message: object): void => void process.send!(message);
const target = await targets.get(name)!(folder);
const random = new Random(Number(seed));
const until = performance.now() + Number(seconds) * 1000;
let [inputs, refused] = [0, 0];
tell({ inputs, refused });
for (; performance.now() < until; inputs++) {
  // The corpus itself first.
  const input =
    inputs < target.corpus.length ? target.corpus[inputs]! : change(random, target.corpus, target.json ?? false);
  // On disk before it is read: whatever happens to this process, the input is there.
  writeFileSync(join(folder, "input"), input);
  try {
    await target.run(input);
  } catch (error) {
    refused++;
    const fault = faultOf(error);
    if (fault !== undefined) {
      tell({ fault, inputs, refused });
      process.exit(1);
    }
  }
  tell({ inputs, refused });
  // Gives way, so that messages leave and a rejection that nobody handles ends the process.
  await new Promise((resolve) => setImmediate(resolve));
}
await target.close?.();
tell({ inputs, refused, done: true });
process.exit(0);

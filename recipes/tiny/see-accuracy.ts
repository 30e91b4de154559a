/** @file How many half patches and places of new boards the tower of a "see" run names rightly, by what lies under them: `tsx -C flashvl-source recipes/tiny/see-accuracy.ts [CHECKPOINT [first|wide [HEAD]]]`. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argMax, input, linear, reshape, weight } from "flashvl/graph";
import { openCheckpoint } from "flashvl/hub";
import { parametersOf, parseConfig, tower, trainedTowerAttend } from "flashvl/model";
import { preprocessImage, readPreprocessorConfig } from "flashvl/processor";
import { createStepSession, loadParameters, nativeTraining, ParameterStore } from "flashvl/train";
import { drawBoards, patchClasses } from "./market/index.ts";
import { seeHead, seeLabels } from "./see/see-graph.ts";
import { loadSeeHead } from "./see/see-head.ts";

const BOARDS = 16;
/** Training seeds that no run has reached. */
const FIRST_SEED = 9_000_000;
const [folder = join(import.meta.dirname, "../../runs/tiny/0-see/last"), world = "first", headFolder = folder] =
  process.argv.slice(2);
if (world !== "first" && world !== "wide") throw new Error(`The world is "${world}"; expected "first" or "wide".`);

const checkpoint = await openCheckpoint(folder);
const config = parseConfig(checkpoint.config);
const base = await loadParameters(config, checkpoint);
await checkpoint.close();
const head = await loadSeeHead(headFolder, config);
const store = ParameterStore.joined(base, head.parameters);
head.fill(store);

const size = config.vision.imageSize;
const pixels = input("pixels", "float32", [BOARDS, 3, size, size]);
const seen = tower(parametersOf(config), config, pixels, trainedTowerAttend(config.vision));
const [w, b] = seeHead(config, head.classes).map((q) => weight(q.name, "float32", q.shape));
const best = argMax(reshape(linear(seen, w!, b), [seeLabels(config, BOARDS), head.classes]));
const session = await createStepSession({ outputs: { best } }, store, { on: nativeTraining() });

const preprocessor = readPreprocessorConfig(
  JSON.parse(await readFile(join(folder, "preprocessor_config.json"), "utf8")),
);
const given = session.inputs.get("pixels")!.data as Float32Array;
const labels: number[] = [];
let board = 0;
for await (const drawn of drawBoards({
  seeds: Array.from({ length: BOARDS }, (_, i) => FIRST_SEED + i),
  choose: () => ({ world }),
})) {
  given.set(preprocessImage(drawn.image, preprocessor), board++ * 3 * size * size);
  labels.push(...drawn.patchLabels);
}
await session.run();
const answers = session.outputs.get("best")!.data as BigInt64Array;

const groupOf = (label: number): string => {
  const name = patchClasses[label]!;
  if (label === 0) return "nothing";
  if (name.length > 1) return name.split(":")[0]!;
  return /\d/.test(name) ? "digit" : /[a-z]/.test(name) ? "letter" : /\p{Script=Han}/u.test(name) ? "Chinese" : "sign";
};
const groups = new Map<string, { all: number; right: number }>();
labels.forEach((label, i) => {
  const group = groups.get(groupOf(label)) ?? { all: 0, right: 0 };
  groups.set(groupOf(label), { all: group.all + 1, right: group.right + Number(Number(answers[i]) === label) });
});
for (const [name, { all, right }] of groups) console.log(`${name}: ${((100 * right) / all).toFixed(1)} % of ${all}`);
await session.dispose();

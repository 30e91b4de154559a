/** @file `flashvl train …`: a run from recipe to merged model, and what goes wrong on the way. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { FakeHub } from "../hub/fake-hub.ts";
import { runHere } from "./run-cli.ts";

const GOLDEN = join(import.meta.dirname, "../golden/static-tiny");
let folder: string;
const recipe = {
  stage: "sft",
  model: GOLDEN,
  steps: 2,
  data: { file: "data.jsonl", images: join(GOLDEN, "images") },
  batch: { images: 2, rows: 2, length: 80, labels: 16 },
  lora: { rank: 2, alpha: 4, targetModules: ["q_proj"] },
  optimizer: { learningRate: 0.001 },
  threads: 1,
};
const row = (answer: string, image = "small.png") => ({
  image,
  conversations: [
    { from: "human", value: "<image>\nWhat is it?" },
    { from: "gpt", value: answer },
  ],
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-train-"));
  await writeFile(join(folder, "recipe.yaml"), stringify(recipe));
  await writeFile(join(folder, "data.jsonl"), ["red", "green"].map((a) => JSON.stringify(row(a))).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));
const train = (...args: string[]) => runHere(["train", ...args], {});

it("trains, refuses to overwrite, watches, reports, and merges what it trained", async () => {
  const run = join(folder, "run");
  const path = join(folder, "recipe.yaml");
  const first = await train("sft", path, "--run", run);
  expect(first).toMatchObject({ code: 0, stdout: `${join(run, "checkpoints", "step-0000002")}\n` });
  expect(first.stderr).toMatch(/^step 1\/2 · epoch 1.00 · loss \d.*\nstep 2\/2 · epoch 2.00 · loss \d/m);
  expect(await train("sft", path, "--run", run)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("holds a run already"),
  });
  expect((await train("sft", path, "--run", run, "--resume")).code).toBe(0);

  const page = join(folder, "report.html");
  const watched = await train("watch", run, "--report", page);
  expect(watched.stdout).toMatch(/^loss: training \d/);
  expect(await readFile(page, "utf8")).toContain("<svg");
  expect(JSON.parse((await train("watch", run, "--json")).stdout)).toHaveLength(2);

  const merged = join(folder, "merged");
  expect(await train("merge", join(run, "last"), merged)).toMatchObject({ code: 0, stdout: `${merged}\n` });
  expect(await readdir(merged)).toContain("model.safetensors");
  expect(await train("merge", join(run, "last"), merged)).toMatchObject({ code: 4 });
});

it("a recipe's model of the hub is downloaded once, and an adapter of it is pushed under that name", async () => {
  const names = (await readdir(GOLDEN)).filter((name) =>
    /^(config|\w*token\w*|\w+_config|model)\.(json|safetensors)$/.test(name),
  );
  const files = await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(GOLDEN, name));
      return [name, { content, large: name.endsWith(".safetensors") }] as const;
    }),
  );
  const hub = await new FakeHub(new Map(files), "org/base").start();
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, "home") };
  try {
    const path = join(folder, "named.yaml");
    await writeFile(path, stringify({ ...recipe, model: "org/base", steps: 1 }));
    const first = await runHere(["train", "sft", path, "--run", join(folder, "named")], env);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/^downloading org\/base: \d+ %$/m);
    const sent = hub.storeBytes;
    expect(sent).toBeGreaterThan(0);
    const again = await runHere(["train", "sft", path, "--run", join(folder, "named-again")], env);
    expect(again.code, again.stderr).toBe(0);
    expect(hub.storeBytes).toBe(sent);
  } finally {
    await hub.stop();
  }
  const pushed = await runHere(["push", "me/named", "-m", join(folder, "named/last"), "--dry-run"], env);
  expect(pushed.code, pushed.stderr).toBe(0);
  expect(pushed.stdout).toContain("base_model: org/base\n");
});

it("says what a run takes of memory before its first step, and refuses one that does not fit", async () => {
  const path = join(folder, "memory.yaml");
  const write = (memory: number) => writeFile(path, stringify({ ...recipe, steps: 1, memory }));
  await write(8);
  const run = join(folder, "memory");
  const fits = await train("sft", path, "--run", run);
  expect(fits.code, fits.stderr).toBe(0);
  expect(fits.stderr).toMatch(/^memory about [\d.]+ GB of 8.00 GB: weights [\d.]+, gradients and moments/m);
  await write(0.1);
  const refused = await train("sft", path, "--run", join(folder, "too-large"));
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("This batch does not fit the memory") });
});

it("trains by GRPO from a recipe", async () => {
  const { steps: _, lora: __, ...common } = recipe;
  const path = join(folder, "grpo.yaml");
  const own = { stage: "grpo", steps: 1, groupSize: 2, promptsPerStep: 1, rollout: { maxNewTokens: 4 } };
  await writeFile(path, stringify({ ...common, ...own, rewards: [{ name: "accuracy" }] }));
  const run = join(folder, "grpo");
  const { code, stdout, stderr } = await train("grpo", path, "--run", run);
  expect(code, stderr).toBe(0);
  expect(stdout).toBe(`${join(run, "checkpoints", "step-0000001")}\n`);
  expect(stderr).toMatch(/^step 1\/1 · .*loss .* · reward 0 · /m);
  expect(await readdir(join(run, "last"))).toContain("model.safetensors");
});

it("shows a recipe with its defaults, and names what is wrong in one", async () => {
  const shown = JSON.parse((await train("show", join(folder, "recipe.yaml"), "--json")).stdout);
  expect(shown).toMatchObject({ seed: 0, keep: 2, accumulate: 1, data: { file: join(folder, "data.jsonl") } });
  const bad = join(folder, "bad.yaml");
  await writeFile(bad, stringify({ ...recipe, steps: -1, sped: 3 }));
  const { code, stderr } = await train("show", bad);
  expect(code).toBe(4);
  expect(stderr).toMatch(/steps: /);
  expect(stderr).toMatch(/sped/);
  expect(await train("show", join(folder, "absent.yaml"))).toMatchObject({ code: 3 });
  expect(await train("grpo", join(folder, "recipe.yaml"))).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('of stage "sft", expected "grpo"'),
  });
});

it("stops at a bad row with file and line, or skips and counts it", async () => {
  const data = join(folder, "with-bad.jsonl");
  await writeFile(data, [row("red"), row("blue", "absent.png"), row("green")].map((r) => JSON.stringify(r)).join("\n"));
  const path = join(folder, "with-bad.yaml");
  const write = (onBadRow: string) =>
    writeFile(path, stringify({ ...recipe, onBadRow, data: { ...recipe.data, file: data } }));
  await write("stop");
  const stopped = await train("sft", path, "--run", join(folder, "stopped"));
  expect(stopped.code).toBe(4);
  expect(stopped.stderr).toMatch(/with-bad\.jsonl:2: .*absent\.png/);
  await write("skip");
  const skipped = await train("sft", path, "--run", join(folder, "skipped"));
  expect(skipped.code).toBe(0);
  expect(skipped.stderr).toMatch(/left out .*with-bad\.jsonl:2 \(bad\)/);
  expect(skipped.stderr).toMatch(/left out 1 rows: 0 too long, 1 bad/);
});

it("checks reference numbers, and ends with 1 when one is past its tolerance", async () => {
  const good = await train("check", GOLDEN, "--threads", "1", "--packing");
  expect(good.code).toBe(0);
  expect(good.stdout).toMatch(/^packing:\nkind +name +max difference +tolerance/);
  expect(good.stdout).toContain("all 205 are equal");
  const wrong = join(folder, "wrong");
  await mkdir(wrong);
  await cp(GOLDEN, wrong, { recursive: true });
  const expected = JSON.parse(await readFile(join(wrong, "expected.json"), "utf8"));
  expected.sft.losses[0] += 0.01;
  await writeFile(join(wrong, "expected.json"), JSON.stringify(expected));
  const bad = await train("check", wrong, "--threads", "1");
  expect(bad.code).toBe(1);
  expect(bad.stdout).toMatch(/loss after 0 updates .* FAIL/);
  expect(await train("check", folder)).toMatchObject({ code: 4, stderr: expect.stringContaining("sft_after<steps>") });
});

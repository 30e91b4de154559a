/** @file `flashvl push`: what of a run goes to a hub, what never does, and what the hub's refusals mean. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { writeState } from "../../src/common/node.ts";
import { writeSafetensors } from "../../src/hub/index.ts";
import { FakeUploadHub } from "../hub/fake-upload-hub.ts";
import { runHere } from "./run-cli.ts";

let folder: string;
let hub: FakeUploadHub;
/** Link to the checkpoint of a run of LoRA on a model of the hub. */
let best: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-push-"));
  const run = join(folder, "runs/lamps");
  const checkpoint = join(run, "checkpoints-best/step-0000004");
  best = join(run, "best");
  await mkdir(checkpoint, { recursive: true });
  await symlink("checkpoints-best/step-0000004", best, "dir");
  const tensor = { name: "a", dtype: "F32" as const, shape: [2], bytes: () => new Uint8Array(8) };
  await writeSafetensors(join(checkpoint, "adapter_model.safetensors"), [tensor]);
  await writeSafetensors(join(checkpoint, "training.safetensors"), [tensor]);
  const base = join(folder, "hub/models--org--base/snapshots/0123");
  await writeFile(
    join(checkpoint, "adapter_config.json"),
    JSON.stringify({ peft_type: "LORA", base_model_name_or_path: base, r: 4, lora_alpha: 8 }),
  );
  await writeFile(join(checkpoint, "progress.json"), "{}");
  await writeFile(join(checkpoint, ".env"), "HF_TOKEN=secret");
  await writeFile(
    join(run, "recipe.yaml"),
    stringify({ stage: "sft", model: base, data: { file: join(folder, "lamps/labels.csv") }, lora: { rank: 4 } }),
  );
  await writeState(join(run, "data.json"), 1, {
    [join(folder, "lamps/labels.csv")]: { bytes: 812, hash: "ab".repeat(32) },
  });
  const metrics = [
    { step: 0, eval_loss: 3, eval_exact: 0.25 },
    { step: 2, loss: 1, eval_loss: 1, eval_exact: 0.5 },
    { step: 4, loss: 0.5, eval_loss: 0.4, eval_exact: 0.875 },
  ];
  await writeFile(join(run, "metrics.jsonl"), metrics.map((row) => `${JSON.stringify(row)}\n`).join(""));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  hub = await new FakeUploadHub().start();
  return () => hub.stop();
});

const push = (args: string[], token: string | undefined = hub.token) =>
  runHere(["push", ...args], {
    HF_ENDPOINT: hub.endpoint,
    HF_HOME: join(folder, "home"),
    ...(token && { HF_TOKEN: token }),
  });
const FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors"];

it("an adapter arrives in one commit under its base's name, with a card of its recipe, data and scores", async () => {
  const { code, stdout, stderr } = await push(["me/lamps", "-m", best, "--private", "--license", "mit"]);
  expect(code, stderr).toBe(0);
  expect(stdout).toBe(`${hub.endpoint}/me/lamps\n`);
  expect(hub.repos.get("me/lamps")).toBe("private");
  const [{ repo, branch, files }] = hub.commits as [(typeof hub.commits)[0]];
  expect([repo, branch, [...files.keys()].sort()]).toEqual(["me/lamps", "main", FILES]);
  expect(JSON.parse(files.get("adapter_config.json")!.toString())).toMatchObject({
    base_model_name_or_path: "org/base",
    r: 4,
  });
  const card = files.get("README.md")!.toString();
  expect(parse(card.split("---\n")[1]!)).toEqual({
    license: "mit",
    base_model: "org/base",
    base_model_relation: "adapter",
    library_name: "flashvl",
    pipeline_tag: "image-text-to-text",
    tags: ["flashvl", "sft", "lora"],
    metrics: ["exact_match"],
    "model-index": [
      {
        name: "lamps",
        results: [
          {
            task: { type: "image-text-to-text" },
            dataset: { name: "held-out rows", type: "private" },
            metrics: [{ type: "exact_match", value: 0.875 }],
          },
        ],
      },
    ],
  });
  expect(card).toContain("| exact | 25.0 % | 87.5 % |");
  expect(card).toContain(`| labels.csv | 812 | ${"ab".repeat(32)} |`);
  expect(card).toContain("  file: labels.csv");
  for (const content of files.values()) expect(content.includes(folder)).toBe(false);
});

it("a dry run lists the files and prints the card, and asks the hub nothing", async () => {
  const { code, stdout } = await push(["me/lamps", "-m", best, "--dry-run"], "");
  expect(code).toBe(0);
  for (const name of FILES) expect(stdout).toContain(`  ${name}\n`);
  expect(stdout).toContain("base_model: org/base");
  const listed = JSON.parse((await push(["me/lamps", "-m", best, "--dry-run", "--json"])).stdout);
  expect(listed.files.map(({ name }: { name: string }) => name).sort()).toEqual(FILES);
  expect(hub.asked).toEqual([]);
});

it("a name that is taken is refused, unless a commit is to be added; a branch is made where it is named", async () => {
  expect((await push(["me/lamps", "-m", best])).code).toBe(0);
  expect(await push(["me/lamps", "-m", best])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("me/lamps exists already; add a commit to it with --update"),
  });
  expect((await push(["me/lamps", "-m", best, "--update"])).code).toBe(0);
  const branched = await push(["me/lamps", "-m", best, "--revision", "v2", "--dataset", "me/lamp-pictures"]);
  expect(branched).toMatchObject({ code: 0, stdout: `${hub.endpoint}/me/lamps/tree/v2\n` });
  expect(hub.commits.map(({ branch }) => branch)).toEqual(["main", "main", "v2"]);
  expect(hub.commits[2]!.files.get("README.md")!.toString()).toContain("datasets:\n  - me/lamp-pictures\n");
  expect(await push(["me/lamps@v2", "-m", best])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("me/lamps@v2 exists already"),
  });
});

it("no token, one that the hub does not know, and one without the right are told apart", async () => {
  const failed = async (token: string, name = "me/lamps") => {
    const { code, stderr } = await push([name, "-m", best], token);
    expect(code).toBe(6);
    return stderr;
  };
  expect(await failed("")).toContain(`make one at ${hub.endpoint}/settings/tokens and set HF_TOKEN`);
  expect(await failed(`hf_${"x".repeat(30)}`)).toContain("does not accept the token");
  expect(await failed("token")).toContain("does not begin with hf_");
  const forbidden = await failed(hub.token, "other/lamps");
  expect(forbidden).toContain("The token may not write to other/lamps");
  expect(forbidden).toContain("You don't have the rights");
  expect(forbidden).not.toContain(hub.token);
  expect(hub.commits).toEqual([]);
});

it("what tells a secret or a place of this machine is refused by name, and a folder without a model too", async () => {
  const other = join(folder, "other");
  await mkdir(other);
  await writeFile(join(other, "notes.txt"), "nothing");
  const refused = async (...flags: string[]) => {
    const { code, stderr } = await push(["me/other", "-m", other, ...flags]);
    expect(code).toBe(4);
    return stderr;
  };
  expect(await refused()).toContain("holds no model: expected model.safetensors or adapter_model.safetensors");
  await writeSafetensors(join(other, "model.safetensors"), []);
  await writeFile(join(other, "README.md"), `my key is hf_${"a".repeat(34)}`);
  expect(await refused()).toContain("README.md holds what looks like a secret key");
  await writeFile(join(other, "README.md"), `made in ${other}/x`);
  expect(await refused()).toContain("README.md names a folder of this machine");
  await writeFile(join(other, "README.md"), "fine");
  await writeFile(join(other, "config.json"), JSON.stringify({ _name_or_path: join(other, "x"), width: 3 }));
  expect((await push(["me/other", "-m", other])).code).toBe(0);
  expect(JSON.parse(hub.commits[0]!.files.get("config.json")!.toString())).toEqual({ width: 3 });
  expect([...hub.commits[0]!.files.keys()]).not.toContain("notes.txt");
});

it("an adapter whose base nobody else has is refused until the base's name is said", async () => {
  const adapter = join(folder, "adapter");
  await mkdir(adapter);
  await writeSafetensors(join(adapter, "adapter_model.safetensors"), []);
  const config = { peft_type: "LORA", base_model_name_or_path: join(folder, "my-base"), r: 4, lora_alpha: 8 };
  await writeFile(join(adapter, "adapter_config.json"), JSON.stringify(config));
  expect(await push(["me/adapter", "-m", adapter])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("say with --base what that model is called on the hub"),
  });
  expect((await push(["me/adapter", "-m", adapter, "--base", "me/my-base"])).code).toBe(0);
  expect(hub.commits[0]!.files.get("adapter_config.json")!.toString()).toContain('"me/my-base"');
});

import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultModelFolder } from "../../src/node/index.ts";
import { kernelLibraryPath } from "../../src/runtime/ort/index.ts";
import { noGpu } from "../engine/support/no-gpu.ts";
import { FakeHub } from "../hub/fake-hub.ts";
import { smallModel } from "../hub/model-files.ts";
import { runHere } from "./run-cli.ts";

const TINY = join(import.meta.dirname, "../golden/static-tiny");
const image = (name: string) => join(TINY, "images", name);
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-commands-"));
  env = { FLASHVL_CACHE: join(folder, "cache"), HF_HOME: join(folder, "hf") };
});
afterAll(() => rm(folder, { recursive: true }));

it("chat without arguments explains itself in three lines, and the command that it suggests works as it stands", async () => {
  const { code, stdout, stderr } = await runHere(["chat"], env);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  const lines = stderr.trimEnd().split("\n");
  expect(lines.length).toBe(3);
  expect(lines[0]).toContain("Which picture?");
  const [, command] = /flashvl (chat .*)/.exec(lines[1]!)!;
  const args = [...command!.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const answer = await runHere(args, env);
  expect({ ...answer, stdout: answer.stdout.replaceAll("*", "") }).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/snow pea.*7\.98/),
  });
});

describe("a wrong command line ends with 2 and what was expected:", () => {
  const cases: [string[], string][] = [
    [["pul"], "Did you mean pull?"],
    [["chat", "a.png", "q", "--top-p", "2"], "above 0 and at most 1"],
    [["chat", "--no-image", "one", "two"], "one argument"],
    [["chat", "a.png", "--json"], "--json answers one question"],
    [["chat", "-"], "stdin needs a question"],
    [["chat", "--no-image", "q", "--device", "tpu"], 'There is no device "tpu"'],
    [["compile", TINY, "--preset", "int3"], 'There is no preset "int3"; expected one of fp32'],
    [["compile", TINY, "--layer", "llm.*"], "such as llm.*.down_proj=int8"],
    [
      ["chat", "--no-image", "q", "--layer", "llm.*=int3"],
      'no precision "int3" for layers "llm.*"; expected one of fp32, int8',
    ],
    [["compile", TINY, "--layer", "lm.*=int8"], 'The override "lm.*" fits no layer; layers are named like "'],
    [["chat", "--no-image", "q", "-m", TINY, "--layer", "llm.*=int4,lm.*=int8"], 'The override "lm.*" fits no layer'],
    [["export", "out"], "--web"],
    [["export", "--web", TINY, "out", "--device", "cuda"], "expected wasm or webgpu"],
    [["export", "--web", TINY, "out", "--preset", "fp16", "--device", "wasm"], "fp16 is for GPUs"],
    [["export", "--web", TINY, import.meta.dirname], "is not empty"],
    [["init", "out"], "either --like NAME or --config FILE"],
    [["init", "out", "--like", "GPT"], 'no published model "GPT"; expected one of FlashVL-2B-Static'],
    [["pull", "org/.."], '"org/.." is neither an existing folder nor'],
    [["pull", "nonsense"], '"nonsense" is neither an existing folder nor'],
  ];
  it.each(cases)("%j", async (args, expected) => {
    const { code, stdout, stderr } = await runHere(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(expected);
  });

  it.each([[["pul"]], [["chat", "a.png", "q", "--top-p", "2"]], [["pull"]]])(
    "as JSON where that is wanted: %j",
    async (args) => {
      for (const run of [await runHere([...args, "--json"], env), await runHere(args, { ...env, FLASHVL_JSON: "1" })]) {
        expect(run).toMatchObject({ code: 2, stdout: "" });
        expect(JSON.parse(run.stderr)).toMatchObject({ error: { code: "usage" } });
      }
    },
  );
});

describe("flashvl pull", () => {
  it("says as JSON what it has brought, and uses the cache offline", async () => {
    const hub = await new FakeHub(smallModel()).start();
    try {
      const online = await runHere(["pull", "org/model", "--endpoint", hub.endpoint, "--json"], env);
      expect(online).toMatchObject({ code: 0, stderr: "" });
      const said = JSON.parse(online.stdout);
      expect(said.files).toContainEqual({ name: "added_tokens.json", bytes: 0 });
      expect(said.bytes).toBe(said.files.reduce((sum: number, file: { bytes: number }) => sum + file.bytes, 0));
      expect(await runHere(["pull", "org/model"], { ...env, FLASHVL_OFFLINE: "1" })).toEqual({
        code: 0,
        stdout: `${said.folder}\n`,
        stderr: "",
      });
    } finally {
      await hub.stop();
    }
  });

  it("tells not found (3), no access (6) and offline (5) apart, as JSON too", async () => {
    const hub = await new FakeHub(smallModel()).start();
    const refused = async (status: number, error: string) => {
      hub.mischief = () => ({ status, headers: { "x-error-code": error } });
      return runHere(["pull", "org/none", "--endpoint", hub.endpoint], env);
    };
    try {
      const missing = await refused(404, "RepoNotFound");
      expect(missing.code).toBe(3);
      expect(missing.stderr).toMatch(/^flashvl: org\/none was not found/);
      expect((await refused(403, "GatedRepo")).code).toBe(6);
    } finally {
      await hub.stop();
    }
    const offline = await runHere(["pull", "org/none", "--offline"], { ...env, FLASHVL_JSON: "1" });
    expect({ ...offline, stderr: JSON.parse(offline.stderr) }).toMatchObject({
      code: 5,
      stdout: "",
      stderr: { error: { code: "network" } },
    });
  });
});

describe("flashvl inspect", () => {
  it("counts parameters and bytes and lists tensors", async () => {
    const { code, stdout } = await runHere(["inspect", TINY], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/total +444,016/);
    expect(stdout).toMatch(/fp32 +3\.93 MB weights .* the default\n/);
    expect(stdout.match(/the default/g)).toHaveLength(1);
    expect(stdout).toMatch(/layers\.\{0\.\.2\}\.mlp\.up_proj\.weight +decoder +BF16 +\[160, 64\] +61\.4 kB/);
    const report = JSON.parse((await runHere(["inspect", TINY], { ...env, FLASHVL_JSON: "1" })).stdout);
    expect(report.parameters).toMatchObject({ adapter: 40_704, total: 444_016 });
    expect(report.tensors).toHaveLength(111);
    type Memory = { preset: string; kvPerToken: number };
    const perToken = (preset: string) => report.memory.find((one: Memory) => one.preset === preset).kvPerToken;
    const { layers, kvHeads, headDim } = report.config.decoder;
    expect(perToken("fp32")).toBe(2 * layers * kvHeads * headDim * 4);
    expect(perToken("auto")).toBe(perToken("fp32") / (kernelLibraryPath() ? 2 : 1));
  });

  it("measures every precision of the CPU where that is asked for", async () => {
    const { code, stdout } = await runHere(["inspect", TINY, "--speed", "--json"], env);
    expect(code).toBe(0);
    const { speed } = JSON.parse(stdout);
    expect(speed.map(({ preset }: { preset: string }) => preset)).toEqual(["fp32", "int8", "int4", "w8a8", "auto"]);
    for (const { firstTokenMs, tokenMs } of speed) {
      expect(firstTokenMs).toBeGreaterThan(0);
      expect(tokenMs).toBeGreaterThan(0);
    }
    expect((await runHere(["inspect", TINY], env)).stdout).not.toContain("speed");
  });

  it("ends with 4 and the reason when the checkpoint does not fit its config or is damaged", async () => {
    const broken = join(folder, "broken");
    await cp(TINY, broken, { recursive: true });
    const config = JSON.parse(await readFile(join(broken, "config.json"), "utf8"));
    const inspectWith = async (json: unknown) => {
      await writeFile(join(broken, "config.json"), JSON.stringify(json));
      return runHere(["inspect", broken], env);
    };
    const mismatch = await inspectWith({ ...config, intermediate_size: 100 });
    expect(mismatch.code).toBe(4);
    expect(mismatch.stderr).toContain(
      "adp.p0.1.weight in model.safetensors: found BF16 [96, 256], expected BF16 or F16 or F32 [100, 256]",
    );
    expect(mismatch.stdout).toContain("parameters");
    const wrongConfig = await inspectWith({});
    expect(wrongConfig.code).toBe(4);
    expect(wrongConfig.stderr).toContain("vision_config");
    expect((await runHere(["chat", "--no-image", "Hi", "-m", broken], env)).code).toBe(4);
    await writeFile(join(broken, "config.json"), JSON.stringify(config));
    for (const [name, content, reason] of [
      ["generation_config.json", '{"eos_token_id": 99999}', "eos_token_id 99999 is not a token"],
      [
        "preprocessor_config.json",
        '{"size": {"height": 64, "width": 64}}',
        "preprocessor_config.json resizes to 64 pixels, but config.json's image_size is 128",
      ],
      ["tokenizer.json", "{}", "tokenizer.json cannot be used"],
      ["tokenizer.json", null, "there is no tokenizer.json"],
    ] as const) {
      if (content === null) await rm(join(broken, name));
      else await writeFile(join(broken, name), content);
      const run = await runHere(["chat", "--no-image", "Hi", "-m", broken], env);
      expect(run.stderr).toContain(`flashvl: ${broken}: ${reason}`);
      expect(run).toMatchObject({ code: 4, stdout: "" });
      await cp(join(TINY, name), join(broken, name));
    }
    await truncate(join(broken, "model.safetensors"), 500_000);
    const short = await inspectWith(config);
    expect(short.code).toBe(4);
    expect(short.stderr).toContain("cut short");
    expect((await runHere(["inspect", join(folder, "none")], env)).code).toBe(3);
  });
});

describe("flashvl init", () => {
  const sizes = ["--config", join(TINY, "config.json")];

  it("writes a checkpoint that inspect accepts, the same for the same seed", async () => {
    const make = async (name: string, ...flags: string[]) => {
      const out = join(folder, name);
      const run = await runHere(["init", out, ...sizes, "--tokenizer", TINY, "--json", ...flags], env);
      return { out, said: JSON.parse(run.stdout) };
    };
    const one = await make("one");
    expect(one.said).toEqual({ folder: one.out, parameters: 444_016, bytes: 888_032, seed: 0 });
    expect((await readdir(one.out)).sort()).toEqual([
      "added_tokens.json",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "preprocessor_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const weightsOf = async ({ out }: { out: string }) => readFile(join(out, "model.safetensors"));
    expect((await weightsOf(one)).equals(await weightsOf(await make("again")))).toBe(true);
    expect((await weightsOf(one)).equals(await weightsOf(await make("other", "--seed", "7")))).toBe(false);
    const sharded = await make("sharded", "--shard-gb", "0.0005");
    expect((await readdir(sharded.out)).filter((name) => name.endsWith(".safetensors"))).toHaveLength(2);
    const tables = await Promise.all([one, sharded].map(({ out }) => out)).then(async (outs) => {
      const runs = [];
      for (const out of outs) runs.push(await runHere(["inspect", out], env));
      return runs.map(({ stdout }) => stdout.split("\n").slice(1));
    });
    expect(tables[1]).toEqual(tables[0]);
  });

  it("refuses what it would destroy and what does not fit, and leaves nothing behind", async () => {
    const before = await readdir(folder);
    const full = await runHere(["init", TINY, ...sizes, "--tokenizer", TINY], env);
    expect(full.code).toBe(4);
    expect(full.stderr).toContain("is not empty");
    const large = await runHere(["init", join(folder, "new"), ...sizes], env);
    expect(large.code).toBe(4);
    expect(large.stderr).toContain("ids up to 151664, but the model has only 496");
    expect((await runHere(["init", join(folder, "new"), "--config", join(folder, "no.json")], env)).code).toBe(3);
    expect((await runHere(["init", join(folder, "new"), "--config", image("small.png")], env)).code).toBe(4);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("flashvl compile", () => {
  it("builds the graphs once", async () => {
    const cache = ["--cache", join(folder, "compiled-here")];
    const first = JSON.parse((await runHere(["compile", TINY, ...cache, "--json"], env)).stdout);
    expect(first).toMatchObject({ preset: "fp32", fresh: true });
    expect(await readdir(first.folder)).toContain("vision.onnx");
    expect(await runHere(["compile", TINY, ...cache], env)).toEqual({
      code: 0,
      stdout: `${first.folder}\n`,
      stderr: "fp32: was compiled before\n",
    });
  });
});

describe("flashvl export --web", () => {
  it("writes the model that ships, or another one, for a device or for both", async () => {
    const cache = ["--cache", join(folder, "compiled-here")];
    const [own, tiny] = [join(folder, "own"), join(folder, "tiny")];
    const first = JSON.parse(
      (await runHere(["export", "--web", own, "--device", "wasm", ...cache, "--json"], env)).stdout,
    );
    expect(first).toMatchObject({ folder: own, preset: "fp32", devices: ["wasm"] });
    const args = ["export", "--web", TINY, tiny, "--preset", "int8", ...cache];
    expect(await runHere(args, env)).toMatchObject({ code: 0, stdout: `${tiny}\n` });
    const manifest = JSON.parse(await readFile(join(tiny, "manifest.json"), "utf8"));
    expect(manifest).toMatchObject({ name: "static-tiny", preset: "int8" });
    expect(Object.keys(manifest.graphs)).toEqual(["wasm", "webgpu"]);
  });
});

describe("--layer", () => {
  const cache = () => ["--cache", join(folder, "compiled-mixed")];
  const compile = async (args: string[], more: Record<string, string> = {}) =>
    JSON.parse((await runHere(["compile", TINY, ...cache(), "--json", ...args], { ...env, ...more })).stdout);

  it("gives some layers another precision than the preset; the last that fits counts", async () => {
    const plain = await compile(["--preset", "int4"]);
    const layers = ["--layer", "llm.lm_head=int4", "--layer", "llm.*.down_proj=int8,llm.lm_head=fp32"];
    const mixed = await compile(["--preset", "int4", ...layers]);
    expect(plain.overrides).toEqual({});
    expect(Object.entries(mixed.overrides)).toEqual([
      ["llm.*.down_proj", "int8"],
      ["llm.lm_head", "fp32"],
    ]);
    const sizeOf = async (at: string) => (await readFile(join(at, "weights.data"))).length;
    expect(await sizeOf(mixed.folder)).toBeGreaterThan(await sizeOf(plain.folder));
  });

  it("has a twin in the environment, which the flag replaces", async () => {
    const twin = { FLASHVL_LAYER: "llm.*.down_proj=int8,adp.*=int4-fine" };
    const fromTwin = await compile([], twin);
    expect(fromTwin.overrides).toEqual({ "llm.*.down_proj": "int8", "adp.*": "int4-fine" });
    expect((await compile(["--layer", "adp.*=w8a8"], twin)).overrides).toEqual({ "adp.*": "w8a8" });
    const wrong = await runHere(["compile", TINY], { ...env, FLASHVL_LAYER: "adp.*" });
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("FLASHVL_LAYER");
  });

  it("reaches the model that answers: the cache holds what compile built for it", async () => {
    const layers = ["--preset", "int4", "--layer", "llm.*=fp32", "--layer", "vit.*=fp32", "--layer", "adp.*=fp32"];
    const { folder: compiled } = await compile(layers);
    const before = await readdir(join(compiled, ".."));
    const { cases } = JSON.parse(await readFile(join(TINY, "expected.json"), "utf8"));
    const { messages, text, generated } = cases.find(({ name }: { name: string }) => name === "text_only");
    const args = ["chat", "--no-image", messages[0].content, "-m", TINY, ...cache(), "--json"];
    const answer = await runHere([...args, ...layers, "--max-new-tokens", String(generated.length)], env);
    // Every layer is float32 again, so the answer is the reference's.
    expect(JSON.parse(answer.stdout)).toMatchObject({ text, model: { preset: "int4" } });
    expect(await readdir(join(compiled, ".."))).toEqual(before);
  });
});

describe("--calibrate and --smooth", () => {
  const cache = () => ["--cache", join(folder, "calibrated")];
  const compile = (...args: string[]) => runHere(["compile", TINY, ...cache(), "--json", ...args], env);

  it("make graphs of their own, which --compiled opens", async () => {
    const prompts = join(folder, "prompts.jsonl");
    await writeFile(prompts, '{"prompt": "What is this?"}\n');
    const made = async (...args: string[]) => JSON.parse((await compile("--prompts", prompts, ...args)).stdout);
    const plain = await made("--preset", "w8a8");
    const smooth = await made("--preset", "w8a8", "--smooth", "0.5");
    const fed = await made("--preset", "int4", "--calibrate");
    expect(new Set([plain.folder, smooth.folder, fed.folder]).size).toBe(3);
    expect(plain).not.toHaveProperty("calibration");
    expect(await made("--preset", "w8a8", "--smooth", "0.5")).toMatchObject({ folder: smooth.folder, fresh: false });
    const ask = (...args: string[]) =>
      runHere(["chat", "--no-image", "Hi", "-m", TINY, "--max-new-tokens", "2", "--json", ...args], env);
    const answer = await ask("--compiled", smooth.folder);
    expect(answer.code).toBe(0);
    expect(JSON.parse(answer.stdout)).toMatchObject({ model: { preset: "w8a8" }, usage: { completionTokens: 2 } });
    const wrong = await ask("--compiled", TINY);
    expect(wrong.code).toBe(4);
    expect(wrong.stderr).toContain("there are no compiled graphs here");
    expect((await ask("--compiled", smooth.folder, "--preset", "int4")).code).toBe(2);
    const copy = join(folder, "tiny-copy");
    await cp(TINY, copy, { recursive: true });
    const other = await ask("--compiled", smooth.folder, "-m", copy);
    expect(other.code).toBe(4);
    expect(other.stderr).toContain(`not from ${copy}`);
  });

  it("say what they cannot do", async () => {
    for (const [args, expected] of [
      [["--preset", "w8a8", "--smooth", "1.5"], "at most 1"],
      [["--preset", "int4", "--calibrate", "--report"], "neither --report nor --budget"],
      [["--preset", "fp32", "--smooth", "0.5"], "nothing to do at fp32"],
    ] as const) {
      const { code, stderr } = await compile(...args);
      expect(code).toBe(2);
      expect(stderr).toContain(expected);
    }
  });
});

describe("on a terminal", () => {
  /** What a command draws when stderr is one. */
  const watched = async (args: string[]) => {
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    try {
      return await runHere(args, env);
    } finally {
      process.stderr.isTTY = isTTY;
    }
  };
  const last = (stderr: string) => stderr.split("\r\x1b[2K").at(-1)!;

  it("compile draws a bar that ends full, on a line of its own", async () => {
    const run = await watched(["compile", TINY, "--cache", join(folder, "watched")]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\/.*\n$/) });
    expect(run.stderr.startsWith("\r\x1b[2Kcompile fp32  [")).toBe(true);
    expect(last(run.stderr)).toMatch(
      /^compile fp32 {2}\[#{24}\] {2}100% {2}(\S+ MB) of \1( {2}[^\n]+)?\nfp32: \1 written in [\d:]+\n$/,
    );
  });

  it("pull draws one too", async () => {
    const hub = await new FakeHub(smallModel(), "org/watched").start();
    try {
      const run = await watched(["pull", "org/watched", "--endpoint", hub.endpoint]);
      expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\/.*\n$/) });
      expect(last(run.stderr)).toMatch(/^download {2}\[#{24}\] {2}100% {2}(\S+ kB) of \1( {2}[^\n]+)?\n$/);
    } finally {
      await hub.stop();
    }
  });
});

describe("flashvl chat", () => {
  it("without --model asks the model that ships with the package", async () => {
    const board = join(import.meta.dirname, "../../examples/board.png");
    const run = await runHere(["chat", board, "第一行第二列是什么", "--max-new-tokens", "8", "--json"], env);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { text, usage, timings, model } = JSON.parse(run.stdout);
    expect(text.trim()).not.toBe("");
    expect(model).toEqual({ name: defaultModelFolder(), preset: "fp32", device: "cpu" });
    expect(usage.imageTokens).toBeGreaterThan(0);
    const { imageMs, queueMs, prefillMs, timeToFirstTokenMs, decodeMs, perTokenMs, totalMs, ...more } = timings;
    expect(more).toEqual({});
    for (const ms of [imageMs, prefillMs, decodeMs, perTokenMs]) expect(ms).toBeGreaterThan(0);
    expect(queueMs).toBeGreaterThanOrEqual(0);
    expect(timeToFirstTokenMs).toBeGreaterThanOrEqual(imageMs + prefillMs - 1e-6);
    expect(totalMs).toBeGreaterThanOrEqual(timeToFirstTokenMs + decodeMs - 1e-6);
  });

  // Where there is a GPU it may answer.
  it.runIf(noGpu).each(["cuda", "webgpu"])("ends with 2 and what is missing for --device %s", async (device) => {
    const args = ["chat", "--no-image", "Hi", "-m", "org/never-asked-for", "--offline", "--device", device, "--json"];
    const run = await runHere(args, env);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    const { error } = JSON.parse(run.stderr);
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(new RegExp(`^device "${device}" (is not offered|cannot be used).*device "cpu"`));
  });

  it("answers as JSON with what it took", async () => {
    const { cases } = JSON.parse(await readFile(join(TINY, "expected.json"), "utf8"));
    const { messages, text, generated } = cases.find(({ name }: { name: string }) => name === "text_only");
    const args = ["chat", "--no-image", messages[0].content, "--model", TINY, "--json"];
    const { code, stdout } = await runHere([...args, "--max-new-tokens", String(generated.length)], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      text,
      finishReason: "length",
      usage: { completionTokens: generated.length, imageTokens: 0 },
    });
  });

  it("notices a wrong picture before it opens a model", async () => {
    const missing = await runHere(["chat", "missing.png", "What?", "-m", "org/never-asked-for"], env);
    expect(missing.code).toBe(3);
    expect(missing.stderr).toContain("missing.png");
    expect((await runHere(["chat", join(TINY, "config.json"), "What?", "-m", "org/never-asked-for"], env)).code).toBe(
      4,
    );
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSettings } from "./settings.ts";

const cache = async (env: Record<string, string>) => (await readSettings({}, env)).cacheDir;

it("the cache folder is found in the order of Python's huggingface_hub", async () => {
  const env = { HF_HUB_CACHE: "/a", HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c", XDG_CACHE_HOME: "/d" };
  expect((await readSettings({ cacheDir: "/o" }, env)).cacheDir).toBe("/o");
  expect(await cache(env)).toBe("/a");
  expect(await cache({ ...env, HF_HUB_CACHE: "" })).toBe("/b");
  expect(await cache({ HF_HOME: "/c", XDG_CACHE_HOME: "/d" })).toBe("/c/hub");
  expect(await cache({ XDG_CACHE_HOME: "/d" })).toBe("/d/huggingface/hub");
  expect(await cache({})).toBe(join(homedir(), ".cache", "huggingface", "hub"));
  expect(await cache({ HF_HOME: "~/models" })).toBe(join(homedir(), "models", "hub"));
});

it("the token comes from the option, the environment or the token file, and can be kept back", async () => {
  const home = await mkdtemp(join(tmpdir(), "flashvl-home-"));
  await writeFile(join(home, "token"), "from-file\n");
  const token = async (env: Record<string, string>, option?: string) =>
    (await readSettings({ token: option }, { HF_HOME: home, ...env })).token;
  expect(await token({ HF_TOKEN: "from-env" }, "from-option")).toBe("from-option");
  expect(await token({ HF_TOKEN: "from-env" })).toBe("from-env");
  expect(await token({})).toBe("from-file");
  expect(await token({ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1", HF_TOKEN: "from-env" })).toBeUndefined();
  expect(await token({ HF_HOME: join(home, "nothing-here") })).toBeUndefined();
  await rm(home, { recursive: true });
});

it("offline is what HF_HUB_OFFLINE says, in Python's spellings of true", async () => {
  for (const [value, offline] of [
    ["1", true],
    ["yes", true],
    ["ON", true],
    ["true", true],
    ["0", false],
    ["", false],
  ] as const)
    expect((await readSettings({}, { HF_HUB_OFFLINE: value })).offline, value).toBe(offline);
  expect((await readSettings({ offline: false }, { HF_HUB_OFFLINE: "1" })).offline).toBe(false);
});

it("the endpoint loses its last slash and has to be a web address", async () => {
  expect((await readSettings({}, { HF_ENDPOINT: "https://mirror.example/hf/" })).endpoint).toBe(
    "https://mirror.example/hf",
  );
  await expect(readSettings({}, { HF_ENDPOINT: "mirror.example" })).rejects.toMatchObject({ code: "bad-name" });
  await expect(readSettings({}, { HF_ENDPOINT: "file:///etc" })).rejects.toMatchObject({ code: "bad-name" });
});

import { lstat, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HubOptions, type HubProgress, openCheckpoint } from "../../src/hub/index.ts";
import { resolveWith } from "../../src/hub/resolve-model.ts";
import type { HubSystem } from "../../src/hub/system.ts";
import { COMMIT, FakeHub, gitHash, sha256 } from "./fake-hub.ts";
import { quickSystem, smallModel, temporaryFolder, weights } from "./model-files.ts";

let hub: FakeHub;
let cacheDir: string;
let removeFolder: () => Promise<void>;

beforeEach(async () => {
  hub = await new FakeHub(smallModel()).start();
  const { folder, remove } = await temporaryFolder();
  cacheDir = join(folder, "hub");
  removeFolder = remove;
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HUB_CACHE"])
    vi.stubEnv(name, "");
  vi.stubEnv("HF_HOME", folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  await removeFolder();
});

const content = (path: string) => hub.files.get(path)!.content;
const WEIGHTS = "model.safetensors";
const repoFolder = () => join(cacheDir, "models--org--model");
const blobs = () => readdir(join(repoFolder(), "blobs")).catch(() => [] as string[]);

function resolve(options: HubOptions = {}, system: HubSystem = quickSystem(), name = "org/model"): Promise<string> {
  return resolveWith(system, name, { cacheDir, endpoint: hub.endpoint, ...options });
}

async function expectWhole(folder: string): Promise<void> {
  for (const path of ["README.md", "config.json", "tokenizer.json", "added_tokens.json", WEIGHTS])
    expect((await readFile(join(folder, path))).equals(content(path)), path).toBe(true);
  // Nothing unfinished is left behind.
  expect((await blobs()).filter((name) => name.includes("."))).toEqual([]);
}

describe("the cache after a download", () => {
  it("is laid out as Python's huggingface_hub lays it out", async () => {
    const folder = await resolve();
    await expectWhole(folder);
    expect(folder).toBe(join(repoFolder(), "snapshots", COMMIT));
    expect(await readFile(join(repoFolder(), "refs", "main"), "utf8")).toBe(COMMIT);
    expect(await readlink(join(folder, WEIGHTS))).toBe(join("..", "..", "blobs", sha256(content(WEIGHTS))));
    expect(await readlink(join(folder, "config.json"))).toBe(
      join("..", "..", "blobs", gitHash(content("config.json"))),
    );
  });

  it("holds what a model needs and no code", async () => {
    expect((await readdir(await resolve())).sort()).toEqual([
      "README.md",
      "added_tokens.json",
      "config.json",
      WEIGHTS,
      "tokenizer.json",
    ]);
  });

  it("holds the weights once where a repository has them twice, and all shards where it has only those", async () => {
    const shard = { content: weights(1000, "shard"), large: true };
    const index = { content: Buffer.from('{"weight_map":{"w":"model-00001-of-00001.safetensors"}}'), large: false };
    hub.files.set("model-00001-of-00001.safetensors", shard).set("model.safetensors.index.json", index);
    hub.files.set("consolidated.safetensors", shard);
    const single = await readdir(await resolve());
    expect(single.filter((name) => name.includes("safetensors"))).toEqual([WEIGHTS]);
    hub.files.delete(WEIGHTS);
    hub.commit = "a".repeat(40);
    const folder = await resolve();
    expect((await readdir(folder)).filter((name) => name.includes("safetensors")).sort()).toEqual([
      "model-00001-of-00001.safetensors",
      "model.safetensors.index.json",
    ]);
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.tensors.get("w")?.bytes).toBe(1000);
    await checkpoint.close();
  });

  it("opens as a checkpoint", async () => {
    const checkpoint = await openCheckpoint(await resolve());
    expect((await checkpoint.readTensor("w")).length).toBe(300_000);
    await checkpoint.close();
  });

  it("answers the second call after one question and without fetching a file", async () => {
    const first = await resolve();
    hub.asked.length = 0;
    expect(await resolve()).toBe(first);
    expect(hub.asked.map(({ path }) => path)).toEqual(["/api/models/org/model/revision/main?blobs=true"]);
  });

  it("shares blobs with files that Python has put there", async () => {
    const blob = join(repoFolder(), "blobs", sha256(content(WEIGHTS)));
    await mkdir(join(repoFolder(), "blobs"), { recursive: true });
    await writeFile(blob, content(WEIGHTS));
    await expectWhole(await resolve());
    expect(hub.storeBytes).toBe(content("tokenizer.json").length);
  });

  it("keeps a branch with slashes under refs", async () => {
    await resolve({}, undefined, "org/model@refs/pr/1");
    expect(await readFile(join(repoFolder(), "refs", "refs", "pr", "1"), "utf8")).toBe(COMMIT);
    expect(hub.asked[0]?.path).toBe("/api/models/org/model/revision/refs/pr/1?blobs=true");
  });
});

describe("a download", () => {
  it("fetches a large file in ranges that cover it exactly once", async () => {
    await resolve();
    const parts = hub.asked.filter(({ server, range }) => server === "store" && range);
    expect(parts.length).toBe(Math.ceil(content(WEIGHTS).length / (64 * 1024)));
    expect(hub.storeBytes).toBe(content(WEIGHTS).length + content("tokenizer.json").length);
  });

  it("asks for the first range alone, then for as many at once as it may", async () => {
    const connections = 3;
    const weightsPath = `/blob/${sha256(content(WEIGHTS))}`;
    const parts = Math.ceil(content(WEIGHTS).length / 16_384);
    const held: (() => void)[] = [];
    let [arrived, most, fewest] = [0, 0, Number.POSITIVE_INFINITY];
    /** Time for another request to arrive, if there is one. */
    const turns = async () => {
      for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
    };
    const release = async () => {
      await turns();
      most = Math.max(most, held.length);
      fewest = Math.min(fewest, held.length);
      for (const answer of held.splice(0)) answer();
    };
    hub.mischief = ({ server, path }) => {
      if (server !== "store" || !path.startsWith(weightsPath)) return undefined;
      const after = new Promise<void>((done) => held.push(done));
      // A group is answered only when it is complete: the first range, the full number, or all that is left.
      if (++arrived === 1 || arrived === parts || held.length === connections) void release();
      return { after };
    };
    await expectWhole(await resolve({}, quickSystem({ partBytes: 16_384, connections })));
    expect({ arrived, fewest, most }).toEqual({ arrived: parts, fewest: 1, most: connections });
  });

  it("reports progress that ends at the total", async () => {
    const seen: HubProgress[] = [];
    await resolve({ onProgress: (progress) => seen.push(progress) });
    const total = [...hub.files]
      .filter(([path]) => !/py$|^\./.test(path))
      .reduce((sum, [, file]) => sum + file.content.length, 0);
    expect(seen.at(-1)).toMatchObject({ bytes: total, totalBytes: total, filesDone: 5, files: 5 });
    expect(seen.every(({ bytes }, i) => i === 0 || bytes >= seen[i - 1]!.bytes)).toBe(true);
  });

  it("asks about each file where the listing tells neither size nor hash", async () => {
    hub.bareListing = true;
    await expectWhole(await resolve());
  });

  it("fetches a content once that several files share", async () => {
    hub.files.delete(WEIGHTS);
    for (const shard of ["model-1.safetensors", "model-2.safetensors"])
      hub.files.set(shard, { content: weights(200_000), large: true });
    const folder = await resolve();
    const size = hub.files.get("model-1.safetensors")!.content.length;
    for (const shard of ["model-1.safetensors", "model-2.safetensors"])
      expect((await readFile(join(folder, shard))).length).toBe(size);
    expect(hub.storeBytes).toBe(size + content("tokenizer.json").length);
  });

  it("sends the token to the hub and never to the store", async () => {
    await resolve({ token: "hf_secret" });
    const tokens = (server: string) =>
      new Set(hub.asked.filter((asked) => asked.server === server).map(({ authorization }) => authorization));
    expect(tokens("hub")).toEqual(new Set(["Bearer hf_secret"]));
    expect(tokens("store")).toEqual(new Set([undefined]));
  });

  it("reads the token from the token file", async () => {
    await writeFile(join(process.env.HF_HOME!, "token"), "hf_from_file\n");
    await resolve();
    expect(hub.asked[0]?.authorization).toBe("Bearer hf_from_file");
  });

  it("goes on after a cut connection where it was", async () => {
    let cuts = 0;
    hub.mischief = ({ server }) => (server === "store" && cuts++ < 3 ? { cutAfter: 10_000 } : undefined);
    await expectWhole(await resolve());
    // Nothing is sent twice: what arrived before the cut is kept.
    expect(hub.storeBytes).toBe(content(WEIGHTS).length + content("tokenizer.json").length);
  });

  it("goes on in a later call where an earlier one gave up", async () => {
    let answered = 0;
    hub.mischief = ({ server, range }) =>
      server === "store" && range && answered++ >= 2 ? { status: 503 } : undefined;
    await expect(resolve()).rejects.toMatchObject({ name: "HubError", code: "network" });
    hub.mischief = () => undefined;
    hub.asked.length = 0;
    await expectWhole(await resolve());
    expect(hub.storeBytes).toBeLessThanOrEqual(content(WEIGHTS).length - 64 * 1024);
  });

  it("waits as long as 429 asks for", async () => {
    let refusals = 0;
    hub.mischief = ({ server }) =>
      server === "store" && refusals++ === 0 ? { status: 429, headers: { "retry-after": "7" } } : undefined;
    const system = quickSystem();
    await expectWhole(await resolve({}, system));
    expect(system.waits).toEqual([7000]);
  });

  it("backs off longer each time while a server is down, and gives up", async () => {
    hub.mischief = () => ({ status: 502 });
    const system = quickSystem();
    await expect(resolve({}, system)).rejects.toThrow(/org\/model: .* answered 502.*gave up after 6 tries/);
    expect(system.waits).toEqual([500, 1000, 2000, 4000, 8000]);
  });

  it("survives a server that ignores ranges", async () => {
    hub.mischief = ({ server }) => (server === "store" ? { ignoreRange: true } : undefined);
    await expectWhole(await resolve());
  });

  it("survives answers that are shorter than announced", async () => {
    let answers = 0;
    hub.mischief = ({ server }) => (server === "store" && answers++ < 3 ? { shortBy: 5000 } : undefined);
    await expectWhole(await resolve());
  });

  it("fetches a file again when its bytes were wrong", async () => {
    let answers = 0;
    hub.mischief = ({ server, range }) =>
      server === "store" && range && answers++ === 1 ? { wrongBytes: true } : undefined;
    await expectWhole(await resolve());
  });

  it("refuses a large file whose bytes stay wrong and keeps none of them", async () => {
    hub.mischief = ({ server, range }) => (server === "store" && range ? { wrongBytes: true } : undefined);
    await expect(resolve()).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("org/model/model.safetensors"),
    });
    expect((await blobs()).filter((name) => name.startsWith(sha256(content(WEIGHTS))))).toEqual([]);
  });

  it("refuses a small file whose git hash is wrong", async () => {
    hub.mischief = ({ method, path }) =>
      method === "GET" && path.endsWith("config.json") ? { wrongBytes: true } : undefined;
    await expect(resolve()).rejects.toMatchObject({ code: "corrupt" });
    expect(await readFile(join(repoFolder(), "refs", "main"), "utf8").catch(() => "none")).toBe("none");
  });

  it("cuts a connection that stalls and goes on after what it brought", async () => {
    let stalls = 0;
    hub.mischief = ({ server }) => (server === "store" && stalls++ === 0 ? { stallAfter: 100 } : undefined);
    const timers = new Set<() => void>();
    const system = quickSystem({
      startTimer: (_, onTimeout) => {
        timers.add(onTimeout);
        return { refresh: () => {}, clear: () => timers.delete(onTimeout) };
      },
    });
    // The time runs out when the 100 bytes have arrived.
    let ranOut = false;
    const onProgress = () => {
      if (ranOut || !hub.asked.some(({ server, sent }) => server === "store" && sent === 100)) return;
      ranOut = true;
      for (const onTimeout of timers) onTimeout();
    };
    await expectWhole(await resolve({ onProgress }, system));
    expect(ranOut).toBe(true);
    expect(system.waits.length).toBeGreaterThan(0);
  });

  it("asks for a new address when the store's has run out", async () => {
    let asked = 0;
    hub.mischief = ({ server }) => (server === "store" && asked++ === 2 ? { status: 403 } : undefined);
    await expectWhole(await resolve());
  });

  it("begins again when the file changes in the middle", async () => {
    const old = content(WEIGHTS);
    const next = weights(310_000, "another");
    let answers = 0;
    hub.mischief = ({ server, range }) => {
      if (server === "store" && range && ++answers === 3) {
        hub.files.set(WEIGHTS, { content: next, large: true });
        return { status: 404 };
      }
      return undefined;
    };
    const folder = await resolve();
    expect((await readFile(join(folder, WEIGHTS))).equals(next)).toBe(true);
    expect((await blobs()).filter((name) => name.startsWith(sha256(old)))).toEqual([]);
  });

  it("notices that the size of a file has changed", async () => {
    let answers = 0;
    hub.mischief = ({ server, range }) =>
      server === "store" && range && answers++ === 0
        ? { headers: { "content-range": "bytes 0-65535/999999" } }
        : undefined;
    await expectWhole(await resolve());
  });

  it("does not begin what the disk cannot hold", async () => {
    const system = quickSystem({ freeBytes: async () => 100_000 });
    await expect(resolve({}, system)).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringMatching(/needs 1 MB more .* 1 MB are free/),
    });
    expect(hub.storeBytes).toBe(0);
  });

  it("needs no room for what is on disk already", async () => {
    await resolve();
    await resolve({}, quickSystem({ freeBytes: async () => 0 }));
  });

  it("stops on the caller's signal with its reason and keeps what has arrived", async () => {
    const abort = new AbortController();
    const reason = new Error("the user has left");
    hub.mischief = ({ server, range }) =>
      server === "store" && range && !range.startsWith("bytes=0-") ? { stallAfter: 20_000 } : undefined;
    const onProgress = ({ bytes }: HubProgress) => bytes > 150_000 && abort.abort(reason);
    await expect(resolve({ signal: abort.signal, onProgress })).rejects.toBe(reason);
    hub.mischief = () => undefined;
    hub.asked.length = 0;
    await expectWhole(await resolve());
    expect(hub.storeBytes).toBeLessThan(content(WEIGHTS).length - 64 * 1024);
  });

  it("needs no symbolic links", async () => {
    const folder = await resolve({}, quickSystem({ symlink: () => Promise.reject(new Error("EPERM")) }));
    expect((await lstat(join(folder, WEIGHTS))).isFile()).toBe(true);
    await expectWhole(folder);
  });
});

describe("a refusal", () => {
  const refuse = (status: number, headers: Record<string, string> = {}) => {
    hub.mischief = () => ({ status, headers });
    return resolve().then(
      () => {
        throw new Error("was not refused");
      },
      (error: unknown) => error,
    );
  };

  it("of a gated model says where to accept its terms", async () => {
    expect(await refuse(403, { "x-error-code": "GatedRepo" })).toMatchObject({
      code: "gated",
      message: expect.stringContaining("accept its terms on"),
    });
  });

  it("of an unknown repository says what to check", async () => {
    expect(await refuse(401, { "x-error-code": "RepoNotFound" })).toMatchObject({
      code: "not-found",
      message: expect.stringContaining("HF_TOKEN"),
    });
    expect(await refuse(404)).toMatchObject({ code: "not-found" });
  });

  it("of an unknown revision names the revision", async () => {
    expect(await refuse(404, { "x-error-code": "RevisionNotFound" })).toMatchObject({
      code: "not-found",
      message: expect.stringContaining("revision"),
    });
  });

  it("of a token says that the token is at fault", async () => {
    expect(await refuse(401, { "x-error-message": "Invalid credentials in Authorization header" })).toMatchObject({
      code: "unauthorized",
      message: expect.stringContaining("does not accept the token"),
    });
    expect(await refuse(403)).toMatchObject({ code: "unauthorized" });
  });

  it("comes for something that is not a hub", async () => {
    hub.mischief = () => ({ status: 200 });
    await expect(resolve()).rejects.toMatchObject({ code: "network", message: expect.stringContaining("HF_ENDPOINT") });
  });

  it("comes for a repository without weights", async () => {
    hub.files.delete(WEIGHTS);
    await expect(resolve()).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("no model.safetensors"),
    });
  });

  it("comes for names that could leave the cache, before any request", async () => {
    for (const name of [
      "org",
      "a/b/c",
      "../no-such-folder-beside",
      "org/a..b",
      "org/model@../../x",
      "org/mo--del",
      "",
      "org/model@",
      "/no/such/folder",
      "./nothing",
    ])
      await expect(resolve({}, undefined, name), name).rejects.toMatchObject({ name: "HubError" });
    expect(hub.asked).toEqual([]);
  });
});

describe("without the network", () => {
  it("the last snapshot of a revision is used, and no request is made offline", async () => {
    const folder = await resolve();
    hub.asked.length = 0;
    expect(await resolve({ offline: true })).toBe(folder);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await resolve()).toBe(folder);
    expect(hub.asked).toEqual([]);
  });

  it("a commit that is whole in the cache needs no request", async () => {
    const folder = await resolve();
    hub.asked.length = 0;
    expect(await resolve({}, undefined, `org/model@${COMMIT}`)).toBe(folder);
    expect(hub.asked).toEqual([]);
  });

  it.each([
    [403, "GatedRepo"],
    [401, "RepoNotFound"],
    [404, undefined],
  ])("a hub that answers %i (%s) is no obstacle to what is cached, and a note says so", async (status, code) => {
    const folder = await resolve();
    const headers: Record<string, string> = code ? { "x-error-code": code } : {};
    hub.mischief = () => ({ status, headers });
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(await resolve()).toBe(folder);
      expect(stderr.mock.calls).toEqual([[expect.stringContaining(`Using what the cache holds, ${folder}.`)]]);
    } finally {
      stderr.mockRestore();
    }
  });

  it("an unreachable hub is no obstacle to what is cached", async () => {
    const folder = await resolve();
    const system = quickSystem();
    expect(await resolve({ endpoint: "http://127.0.0.1:1" }, system)).toBe(folder);
    expect(system.waits).toEqual([]);
  });

  it("a snapshot that lacks a file is not used", async () => {
    await resolve();
    hub.files.set("model.safetensors", { content: weights(1000), large: true });
    await mkdir(join(repoFolder(), "snapshots", "f".repeat(40)), { recursive: true });
    await writeFile(join(repoFolder(), "refs", "main"), "f".repeat(40));
    await expect(resolve({ offline: true })).rejects.toMatchObject({
      code: "offline",
      message: expect.stringContaining("config.json, model.safetensors missing"),
    });
  });

  it("a folder is its own answer", async () => {
    expect(await resolve({ offline: true }, undefined, cacheDir.replace(/hub$/, ""))).toBe(join(cacheDir, ".."));
  });
});

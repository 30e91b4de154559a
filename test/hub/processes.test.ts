import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { COMMIT, FakeHub, sha256 } from "./fake-hub.ts";
import { smallModel, temporaryFolder } from "./model-files.ts";

const SIZE = 12 * 2 ** 20;
let hub: FakeHub;
let home: string;
let remove: () => Promise<void>;
let children: ChildProcess[];

beforeEach(async () => {
  hub = await new FakeHub(smallModel(SIZE)).start();
  ({ folder: home, remove } = await temporaryFolder());
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await hub.stop();
  await remove();
});

/** A process that resolves the model; `until` is shown each line that it prints and may kill it. */
async function pull(until: (line: { bytes?: number; folder?: string }, child: ChildProcess) => void = () => {}) {
  const script = fileURLToPath(new URL("./pull-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, "org/model"], {
    env: {
      ...process.env,
      HF_HOME: home,
      HF_HUB_CACHE: "",
      HF_ENDPOINT: hub.endpoint,
      HF_TOKEN: "",
      HF_HUB_OFFLINE: "",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  let folder: string | undefined;
  createInterface({ input: child.stdout! }).on("line", (text) => {
    const line = JSON.parse(text) as { bytes?: number; folder?: string };
    folder ??= line.folder;
    until(line, child);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, folder, errors };
}

it("a process that is killed in the middle leaves nothing that looks whole, and the next one goes on from there", async () => {
  hub.mischief = ({ server }) => (server === "store" ? { stallAfter: SIZE / 2 } : undefined);
  const killed = await pull(({ bytes }, child) => bytes !== undefined && bytes > SIZE / 2 && child.kill("SIGKILL"));
  expect(killed.signal).toBe("SIGKILL");
  const blob = sha256(hub.files.get("model.safetensors")!.content);
  const blobs = await readdir(join(home, "hub", "models--org--model", "blobs"));
  expect(blobs).not.toContain(blob);
  expect(blobs).not.toContain(`${blob}.incomplete`);

  hub.mischief = () => undefined;
  hub.asked.length = 0;
  const second = await pull();
  expect(second).toMatchObject({ code: 0, errors: "" });
  expect(
    (await readFile(join(second.folder!, "model.safetensors"))).equals(hub.files.get("model.safetensors")!.content),
  ).toBe(true);
  // What was on disk is not fetched again, but for the last MiB that was not yet in the log.
  expect(hub.storeBytes).toBeLessThanOrEqual(SIZE / 2 + 2 * 2 ** 20);
});

it("two processes at once fetch every byte once, and both get the model", async () => {
  let bothHaveListed = () => {};
  const after = new Promise<void>((done) => {
    bothHaveListed = done;
  });
  let listings = 0;
  hub.mischief = ({ path }) => {
    if (path.startsWith("/api/") && ++listings === 2) bothHaveListed();
    return { after };
  };
  const [one, other] = await Promise.all([pull(), pull()]);
  expect(one).toMatchObject({ code: 0, errors: "" });
  expect(other).toMatchObject({ code: 0, errors: "" });
  expect(one.folder).toBe(other.folder);
  expect(one.folder).toContain(COMMIT);
  const stored = [...hub.files.values()]
    .filter(({ large }) => large)
    .reduce((sum, { content }) => sum + content.length, 0);
  expect(hub.storeBytes).toBe(stored);
});

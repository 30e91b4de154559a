/** @file Models in a real Chromium's storage: downloads that are cut off, wrong or too large, two tabs, lists and removal, and what a page may lack. */
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WebManifest } from "../../src/browser/manifest.ts";
import { exportWeb, openModelCheckpoint } from "../../src/compile/index.ts";
import { expected, GOLDEN } from "../engine/support/golden.ts";
import { temporaryFolder } from "../engine/support/models.ts";
import { bundlePage } from "./support/bundle-page.ts";
import { hasChromium, type OpenBrowser, openChromium, openTab } from "./support/open-page.ts";
import { type StaticHost, startHost } from "./support/static-host.ts";

const folder = temporaryFolder();
const text = expected.cases.find(({ image }) => image === null)!;

/** Opens the model in the tab and answers; errors as text. */
const ask = (page: Page, options: object = {}) =>
  page.evaluate(
    async ([options, messages, maxNewTokens]) => {
      try {
        const model = await web.FlashVL.fromPretrained("/model/", options);
        const { tokens } = await model.generate(null, messages as never, { maxNewTokens });
        await model.dispose();
        return { tokens, info: model.info };
      } catch (error) {
        const { name, code, message } = error as Error & { code?: string };
        return { name, code, message };
      }
    },
    [options, text.messages, text.generated.length] as const,
  );

const stored = (page: Page) => page.evaluate(() => web.listStored());

describe.skipIf(!hasChromium())("a model in the browser's storage", () => {
  let browser: OpenBrowser;
  let context: BrowserContext;
  let host: StaticHost;
  let manifest: WebManifest;
  let chunks: Set<string>;
  let page: Page;
  /** Chunks that were asked for since the last call. */
  const fetched = () => host.asked.splice(0).filter((path) => path.includes("/chunks/"));

  beforeAll(async () => {
    const { checkpoint, config } = await openModelCheckpoint(GOLDEN);
    const more = { preset: "fp32", devices: ["wasm"], chunkBytes: 200_000, cacheDir: join(folder, "cache") } as const;
    ({ manifest } = await exportWeb(checkpoint, config, join(folder, "model"), more));
    await checkpoint.close();
    chunks = new Set(Object.values(manifest.files).flatMap((file) => file.chunks.map(({ sha256 }) => sha256)));
    expect(chunks.size).toBeGreaterThan(10);
    await bundlePage(join(folder, "page"));
    browser = await openChromium();
    context = browser.context;
  });
  afterAll(() => browser?.close());
  // An origin of its own for each test, so that each begins with nothing stored.
  beforeEach(async () => {
    host = await startHost({ "/page/": join(folder, "page"), "/model/": join(folder, "model") });
    page = await openTab(context, `${host.origin}/`);
  });
  afterEach(async () => {
    await page.close();
    await host.close();
  });

  it("a tab that is closed in the middle of a download, again and again, costs a chunk each time", async () => {
    const KILLS = 10;
    for (let kill = 0; kill < KILLS; kill++) {
      let bodies = 0;
      const stopped = new Promise<void>((resolve) => {
        host.intercept = (path, response) => {
          if (!path.includes("/chunks/") || ++bodies < 2) return false;
          // The second chunk of this visit begins and never ends.
          response.writeHead(200).write("beginning", () => resolve());
          return true;
        };
      });
      const opening = ask(page).catch(() => {});
      await stopped;
      await page.close();
      await opening;
      page = await openTab(context, `${host.origin}/`);
      const [model] = await stored(page);
      expect(model!.bytes).toBeGreaterThan(0);
      expect(model!.bytes).toBeLessThan(model!.totalBytes);
    }
    host.intercept = () => false;
    expect(await ask(page)).toMatchObject({ tokens: text.generated });
    // Each visit that was ended lost the one chunk that it was fetching.
    expect(fetched().length).toBe(chunks.size + KILLS);
    expect(await ask(page)).toMatchObject({ tokens: text.generated });
    expect(fetched()).toEqual([]);
  });

  it("opens from storage when the host cannot be reached", async () => {
    await ask(page);
    host.intercept = (path, response) => path.startsWith("/model/") && !!response.destroy();
    expect(await ask(page)).toMatchObject({ tokens: text.generated, info: { storage: "opfs" } });
  });

  it("a chunk that comes damaged is fetched again, and one that stays so is refused by its hash", async () => {
    let damaged = "";
    const damage = (times: number) => {
      let left = times;
      host.intercept = (path, response) => {
        if (!path.includes("/chunks/") || (damaged !== "" && path !== damaged) || left-- <= 0) return false;
        damaged = path;
        void sendDamaged(join(folder, path), response);
        return true;
      };
    };
    damage(Number.POSITIVE_INFINITY);
    expect(await ask(page)).toMatchObject({ name: "DownloadError", message: expect.stringContaining("expected") });
    damaged = "";
    damage(1);
    expect(await ask(page)).toMatchObject({ tokens: text.generated });
  });

  it("is refused before anything is fetched when the browser has no room, and answers from memory", async () => {
    const session = await context.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: host.origin, quotaSize: 500_000 });
    const refused = await ask(page);
    expect(refused).toMatchObject({ name: "StorageError", code: "quota" });
    expect(refused.message).toMatch(/needs [\d.]+ MB more .*\(removeStored\)/);
    expect(fetched()).toEqual([]);
    expect(await ask(page, { storage: "memory" })).toMatchObject({
      tokens: text.generated,
      info: { storage: "memory" },
    });
    await session.send("Storage.overrideQuotaForOrigin", { origin: host.origin });
  });

  it("two tabs share one download; a model that is open is not removed, and afterwards nothing of it is left", async () => {
    const other = await openTab(context, `${host.origin}/`);
    const answers = await Promise.all([ask(page), ask(other)]);
    for (const answer of answers) expect(answer).toMatchObject({ tokens: text.generated });
    expect(fetched().length).toBe(chunks.size);
    const total = [
      ...new Map(
        Object.values(manifest.files).flatMap(({ chunks }) => chunks.map((chunk) => [chunk.sha256, chunk.bytes])),
      ).values(),
    ];
    const totalBytes = total.reduce((sum, bytes) => sum + bytes, 0);
    expect(await stored(other)).toEqual([
      {
        url: `${host.origin}/model/`,
        name: "static-tiny",
        preset: "fp32",
        devices: ["wasm"],
        bytes: totalBytes,
        totalBytes,
      },
    ]);
    await other.evaluate(async () => {
      models.open = await web.FlashVL.fromPretrained("/model/");
    });
    const remove = () =>
      page.evaluate(() =>
        web.removeStored("/model/").then(
          () => "removed",
          ({ code }) => code,
        ),
      );
    expect(await remove()).toBe("in-use");
    await other.evaluate(() => models.open!.dispose());
    expect(await remove()).toBe("removed");
    expect(await stored(page)).toEqual([]);
    const left = await page.evaluate(async () => {
      const names: string[] = [];
      const own = await (await navigator.storage.getDirectory()).getDirectoryHandle("flashvl");
      for (const part of ["chunks", "models"]) {
        const found = (await own.getDirectoryHandle(part)) as unknown as { keys(): AsyncIterable<string> };
        for await (const name of found.keys()) names.push(name);
      }
      return names;
    });
    expect(left).toEqual([]);
    await other.close();
  });

  it("a new export at the same address replaces the old one", async () => {
    await ask(page);
    const changed = { ...manifest, preset: "int8", files: { ...manifest.files } };
    host.intercept = (path, response) => {
      if (path !== "/model/manifest.json") return false;
      response.end(JSON.stringify({ ...changed, name: "renamed" }));
      return true;
    };
    expect(await ask(page)).toMatchObject({ tokens: text.generated, info: { name: "renamed" } });
    expect(fetched().length).toBe(chunks.size);
    expect(await stored(page)).toMatchObject([{ name: "renamed" }]);
  });

  it("what is missing is told by name: threads, private files, WebGPU, a manifest, an option of Node", async () => {
    expect(await ask(page, { preset: "int8" })).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("--preset"),
    });
    expect(await ask(page, { device: "cuda" })).toMatchObject({
      name: "RangeError",
      message: expect.stringContaining("wasm, webgpu, auto"),
    });
    expect(await ask(page, { device: "webgpu" })).toMatchObject({ name: "RuntimeError", code: "no-device" });
    const auto = await ask(page, { device: "auto" });
    expect(auto).toMatchObject({ tokens: text.generated, info: { device: "cpu" } });
    expect(auto.info!.fallbacks[0]).toMatch(/^The model runs on the CPU: .*WebGPU/);
    host.intercept = (path, response) => path === "/model/manifest.json" && !!response.end("<!doctype html>");
    expect(await ask(page)).toMatchObject({ message: expect.stringContaining("is not the manifest of a model") });
    host.intercept = () => false;
    const plain = await openTab(context, `${host.origin}/plain`);
    const answer = await ask(plain, { threads: 2 });
    expect(answer).toMatchObject({ tokens: text.generated, info: { threads: 1 } });
    expect(answer.info!.fallbacks[0]).toContain("Cross-Origin-Opener-Policy");
    await plain.close();
  });
});

async function sendDamaged(path: string, response: ServerResponse): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  response.end(bytes);
}

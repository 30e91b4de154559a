/** @file The chat page as static files, with the shipped model in the page: it answers, says where it looked, and opens without the network. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDemo } from "../../web/demo/build.ts";
import { temporaryFolder } from "../engine/support/models.ts";
import { axe, type Browser, hasBrowser, openBrowser } from "../serve/browser.ts";
import { type StaticHost, startHost } from "./support/static-host.ts";

const folder = temporaryFolder();

describe.skipIf(!hasBrowser())("the page with the model in it", () => {
  let host: StaticHost;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    await buildDemo(join(folder, "demo"), "int8", join(folder, "cache"));
    host = await startHost({ "/demo/": join(folder, "demo") });
    browser = await openBrowser();
    page = await browser.context.newPage();
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${host.origin}/demo/`);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });

  const QUESTION = "说说图中第一行第二列是什么蔬菜,买一斤多少钱";
  /** Asks about the example picture, and waits for the end of the answer. */
  const ask = async () => {
    await page.getByRole("button", { name: "example picture" }).click();
    // The picture comes with a question of its own, a moment later.
    await expect.poll(() => page.locator("#message").inputValue()).not.toBe("");
    const answers = await page.locator(".log .model").count();
    await page.locator("#message").fill(QUESTION);
    await page.locator("#message").press("Enter");
    const answer = page.locator(".log .model").nth(answers);
    await expect.poll(() => answer.textContent()).toMatch(/荷兰豆.*7\.98/);
    await expect.poll(() => answer.getAttribute("aria-busy")).toBe("false");
  };

  it("answers about the example picture, and axe finds nothing", async () => {
    await ask();
    expect(await axe(page)).toEqual([]);
    // Nothing but files of the host was asked for, and no picture left the page.
    expect(host.asked.every((path) => path.startsWith("/demo/") || path === "/favicon.ico")).toBe(true);
  });

  it("opens and answers without the network", async () => {
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await host.close();
    await page.reload();
    await page.getByRole("button", { name: "New conversation" }).first().click();
    await ask();
    expect(faults).toEqual([]);
  });
});

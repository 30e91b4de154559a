/** @file A real headless Chromium with the package's page open, for tests of models that run in the browser. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type * as Web from "../../../src/browser/index.ts";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

declare global {
  /** In the page: the package's door. */
  var web: typeof Web;
  /** In the page: models that a test has opened. */
  var models: Record<string, Web.FlashVL>;
}

/** Whether there is a browser; says once what is missing. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM)) return true;
  console.warn(
    `Tests of models in a page are skipped: there is no Chromium at ${CHROMIUM}. Install it, or set CHROMIUM.`,
  );
  return false;
}

const FLAGS =
  "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

export interface OpenBrowser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** Starts the browser with a profile of its own. */
export async function openChromium(flags: readonly string[] = ["--disable-gpu"]): Promise<OpenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), "flashvl-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [...FLAGS, ...flags],
    headless: true,
  });
  context.setDefaultTimeout(120_000);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A tab with the package loaded; what goes wrong in it is collected in `faults`. */
export async function openTab(context: BrowserContext, url: string, faults: string[] = []): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(url);
  await page.waitForFunction(() => "web" in globalThis);
  await page.evaluate(() => {
    globalThis.models = {};
  });
  return page;
}

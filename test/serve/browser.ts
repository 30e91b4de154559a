/** @file A real headless Chromium for tests of pages: with a camera, with Chinese letters, and with axe-core. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { withLock } from "../../src/common/node.ts";
import { unpackWoff } from "./woff.ts";

/** The browser: Debian's package, or the one that CHROMIUM names. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream".split(
    " ",
  );

/** Whether there is a browser; says once what is missing. */
export function hasBrowser(): boolean {
  if (existsSync(CHROMIUM)) return true;
  console.warn(
    `The page's tests are skipped: there is no Chromium at ${CHROMIUM}. Install Debian's package chromium, or set CHROMIUM.`,
  );
  return false;
}

/** An open browser; `close` also removes its files. */
export interface Browser {
  context: BrowserContext;
  close(): Promise<void>;
}

/**
 * Builds the server's page where it was built from other sources. Call it before a server starts, which reads the page then.
 * Tests in other processes wait.
 */
export async function buildPage(): Promise<void> {
  const built = join(root, "dist/web/.sources");
  await withLock(join(root, "dist/.page-lock"), { what: "building the page" }, async () => {
    const sources = hashOfSources();
    if (existsSync(built) && readFileSync(built, "utf8") === sources) return;
    const { build } = await import("vite");
    await build({ root: join(root, "web"), configFile: join(root, "web/vite.config.ts"), logLevel: "error" });
    writeFileSync(built, sources);
  });
}

/** A hash of all that the page is built from: its folder, the example picture, and the packages by their lock file. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  const inWeb = readdirSync(join(root, "web"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const files = inWeb.map(({ parentPath, name }) => join(parentPath, name)).sort();
  for (const file of [...files, join(root, "examples/board.png"), join(root, "package-lock.json")])
    hash.update(`${relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest("hex");
}

/** Opens a browser. */
export async function openBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "flashvl-chromium-"));
  const context = await chromium.launchPersistentContext(join(profile, "profile"), {
    executablePath: CHROMIUM,
    args: FLAGS,
    env: { ...process.env, FONTCONFIG_FILE: chineseFonts(profile) } as Record<string, string>,
    headless: true,
    viewport: { width: 1180, height: 820 },
    locale: "en-GB",
    permissions: ["clipboard-read", "clipboard-write", "camera"],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Faults of any weight that axe-core finds on the page as it stands. */
export async function axe(page: Page): Promise<string[]> {
  // Through the debugger, since the page's policy rightly forbids foreign scripts.
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations;
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** A configuration that adds a Chinese font to the system's, since small machines have none and would show boxes. */
function chineseFonts(folder: string): string {
  const files = join(require.resolve("@fontsource/noto-sans-sc/package.json"), "../files");
  for (const weight of [400, 700]) {
    const woff = readFileSync(join(files, `noto-sans-sc-chinese-simplified-${weight}-normal.woff`));
    // The browser takes no packed font from the system.
    writeFileSync(join(folder, `noto-sans-sc-${weight}.otf`), unpackWoff(woff));
  }
  const file = join(folder, "fonts.conf");
  writeFileSync(
    file,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>${folder}</dir><cachedir>${folder}/cache</cachedir></fontconfig>`,
  );
  return file;
}

// The chat page in a real headless Chromium: drop, ask, stream, resend, copy, languages, heat map, keyboard, accessibility.
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningServer, startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { FakeModel } from "./fake-model.ts";
import { gate } from "./start.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );
const root = fileURLToPath(new URL("../../", import.meta.url));
const shots = join(root, "runs/page");
const photo = join(root, "test/golden/static-tiny/images/photo.jpg");

const ANSWER =
  "**Boards**, three of them:\n\n| item | price |\n|---|---|\n| 荷兰豆 | 8.5 |\n\n<img src=x onerror=alert(1)><script>window.hacked = 1</script>[site](javascript:alert(1))";

if (!existsSync(CHROMIUM)) {
  console.warn(
    `The page's tests are skipped: there is no Chromium at ${CHROMIUM}. Install Debian's package chromium, or set CHROMIUM.`,
  );
}

describe.skipIf(!existsSync(CHROMIUM))("the page", () => {
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page;
  const profile = mkdtempSync(join(tmpdir(), "flashvl-chromium-"));
  const faults: string[] = [];
  /** Answers stop here, half said, until the gate opens or they are aborted; a test can look at them as long as it needs. */
  const HALF = 60;
  let half = gate();
  const model = new FakeModel({
    script: (messages) => (JSON.stringify(messages).includes("plain") ? "Plain words." : ANSWER),
    beforeToken: async (index, signal) => {
      // Its own turn of the event loop for every token, as from a real model.
      await new Promise((resolve) => setImmediate(resolve));
      if (index === HALF) await Promise.race([half.wait, signal && once(signal, "abort")]);
    },
    attention: async (_messages, _answer, index) => ({
      rows: 16,
      columns: 16,
      maps: [
        Float32Array.from(
          { length: 256 },
          (_, cell) => Math.exp(-(((cell % 16) - index) ** 2 + (Math.floor(cell / 16) - 8) ** 2) / 8) / 50,
        ),
      ],
    }),
  });

  beforeAll(async () => {
    if (isStale())
      await build({ root: join(root, "web"), configFile: join(root, "web/vite.config.ts"), logLevel: "error" });
    mkdirSync(shots, { recursive: true });
    server = await startServer({
      model,
      log: createLog("silent"),
      settings: { port: 0, modelName: ["flashvl-test"], drainTimeout: 1 },
    });
    context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      args: FLAGS,
      headless: true,
      viewport: { width: 1180, height: 820 },
      locale: "en-GB",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    page = await context.newPage();
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(server.url);
  });
  afterAll(async () => {
    await context?.close();
    await server?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  const shot = (name: string) => page.screenshot({ path: join(shots, `${name}.png`) });
  const answers = () => page.getByRole("article", { name: "Model" });

  test("greets with the message box focused", async () => {
    await page.getByRole("heading", { name: "Ask about a picture" }).waitFor();
    expect(await page.getByRole("textbox", { name: "Message" }).evaluate((box) => box === document.activeElement)).toBe(
      true,
    );
    await shot("1-start");
  });

  test("takes pictures from the file chooser, pasted, and lets them go again", async () => {
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.getByRole("button", { name: "Choose a picture" }).click(),
    ]);
    await chooser.setFiles([photo, join(root, "README.md")].filter(existsSync));
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    await page.getByRole("textbox", { name: "Message" }).evaluate(
      async (box, base64) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
        box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      },
      readFileSync(photo, "base64"),
    );
    await page.getByRole("img", { name: "Picture 2" }).waitFor();
    await page.getByRole("button", { name: "Remove picture 2" }).click();
    await page.getByRole("button", { name: "Remove picture 1" }).click();
    await page.getByRole("img", { name: "Picture 1" }).waitFor({ state: "detached" });
  });

  test("takes a dropped picture, asks, and shows the answer as it streams, with its measurements", async () => {
    const transfer = await page.evaluateHandle(
      (base64) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
        return transfer;
      },
      readFileSync(photo, "base64"),
    );
    await page.dispatchEvent("main", "dragenter", { dataTransfer: transfer });
    await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    await page.getByRole("textbox", { name: "Message" }).fill("What is on the boards?");
    await page.keyboard.press("Enter");
    await page
      .locator("article[aria-busy=true] .stats")
      .getByText(/tokens\/s/)
      .waitFor();
    await shot("2-streaming");
    half.open();
    await page.locator("article[aria-busy=false]").waitFor();
    expect(await answers().locator(".stats").textContent()).toMatch(
      /^first token [\d.]+ m?s · [\d.]+ tokens\/s · \d+ tokens · 4 of 10 prompt tokens from the cache/,
    );
    const [{ content }] = model.requests.at(-1)!.messages as unknown as [{ content: { type: string }[] }];
    expect(content.map(({ type }) => type)).toEqual(["image", "text"]);
    await shot("3-answer");
  });

  test("renders Markdown without anything that could run or phone home", async () => {
    const answer = answers().first();
    expect(await answer.locator("strong").first().textContent()).toBe("Boards");
    expect(await answer.locator("td").allTextContents()).toEqual(["荷兰豆", "8.5"]);
    expect(await answer.locator("img, script, a[href]").count()).toBe(0);
    expect(await answer.textContent()).toContain("<script>window.hacked = 1</script>");
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  });

  test("shows where the model looked, token by token", async () => {
    await page.getByRole("button", { name: "Where did it look?" }).click();
    const dialog = page.getByRole("dialog", { name: "Where did it look?" });
    await dialog.getByText(/% of its attention/).waitFor();
    await dialog.getByRole("button", { name: "B", exact: true }).first().click();
    const painted = () =>
      dialog
        .locator("canvas")
        .evaluate((canvas: HTMLCanvasElement) => canvas.getContext("2d")!.getImageData(2, 8, 1, 1).data[3]);
    await expect.poll(painted).toBeGreaterThan(150);
    await shot("4-look");
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  test("copies the request as code that has no picture data in it", async () => {
    for (const [language, sign] of [
      ["curl", "$(base64 < picture-1.jpg"],
      ["typescript", 'picture("picture-1.jpg")'],
      ["python", 'picture("picture-1.jpg")'],
    ] as const) {
      await page.getByRole("combobox", { name: "Copy as code" }).selectOption(language);
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain(sign);
    }
    expect((await page.evaluate(() => navigator.clipboard.readText())).length).toBeLessThan(2000);
  });

  test("resends with other settings", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.getByLabel("Temperature").fill("0.7");
    await dialog.getByLabel("Seed").fill("5");
    await dialog.getByLabel("Longest answer in tokens").fill("6");
    await dialog.getByLabel("Longest answer in tokens").press("Tab");
    await shot("5-settings");
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Resend with the current settings" }).click();
    await page.getByText("The answer reached the longest length.").waitFor();
    expect(model.requests.at(-1)!.options).toMatchObject({
      temperature: 0.7,
      seed: 5,
      maxNewTokens: 6,
      doSample: true,
    });
  });

  test("is usable by keyboard alone, and Escape stops an answer", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByLabel("Longest answer in tokens").fill("4000");
    await page.getByLabel("Temperature").fill("0");
    await page.getByLabel("Temperature").press("Tab");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "New conversation" }).first().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("stop this one");
    const before = model.aborted;
    half = gate();
    await page.keyboard.press("Enter");
    await page
      .locator("article[aria-busy=true] .stats")
      .getByText(/tokens/)
      .waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Stopped.").waitFor();
    await expect.poll(() => model.aborted).toBe(before + 1);
  });

  test("keeps conversations across a reload and deletes them on demand", async () => {
    const list = page.getByRole("navigation", { name: "Conversations" });
    await list.getByRole("button", { name: "stop this one", exact: true }).waitFor();
    await page.reload();
    await list.getByRole("button", { name: "What is on the boards?", exact: true }).click();
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    await list.getByRole("button", { name: "Delete conversation: stop this one" }).click();
    await expect.poll(() => list.getByRole("listitem").count()).toBe(1);
  });

  test("speaks Chinese, and tells assistive technology so", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByLabel("Language").selectOption("zh");
    await page.getByRole("heading", { name: "就图片提问" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("zh-CN");
    await page
      .getByRole("navigation", { name: "对话" })
      .getByRole("button", { name: "What is on the boards?", exact: true })
      .click();
    await shot("6-chinese");
    expect(await axe(page)).toEqual([]);
  });

  test("fits a phone, in the dark too, without a serious accessibility fault", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 360, height: 740 });
    await shot("7-phone-dark");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "对话", exact: true }).click();
    await shot("8-phone-list");
    expect(await axe(page)).toEqual([]);
  });

  test("has loaded nothing from elsewhere and raised no error, its own strict policy included", () => {
    expect(faults).toEqual([]);
  });
});

/** Serious faults that axe-core finds on the page as it stands. */
async function axe(page: Page): Promise<string[]> {
  // Through the debugger, since the page's policy rightly forbids foreign scripts.
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations;
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Whether the page's sources are newer than the built page. */
function isStale(): boolean {
  const built = join(root, "dist/web/index.html");
  if (!existsSync(built)) return true;
  const sources = [
    ...readdirSync(join(root, "web/src")).map((name) => join("src", name)),
    "index.html",
    "vite.config.ts",
  ];
  return sources.some((name) => statSync(join(root, "web", name)).mtimeMs > statSync(built).mtimeMs);
}

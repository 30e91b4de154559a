// The chat page in a real headless Chromium: drop, ask, stream, resend, copy, languages, heat map, keyboard, accessibility.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type RunningServer, startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { axe, type Browser, buildPage, hasBrowser, openBrowser, root } from "./browser.ts";
import { FakeModel } from "./fake-model.ts";
import { gate } from "./start.ts";

const shots = join(root, "runs/page");
const photo = join(root, "test/golden/static-tiny/images/photo.jpg");

const ANSWER =
  "# Boards\n\n**Boards**, three of them, 青柠是**¥7.98**。他说**“好”**的:\n\n| item | price |\n|---|---|\n| 荷兰豆 | 8.5 |\n\n<img src=x onerror=alert(1)><script>window.hacked = 1</script>[site](javascript:alert(1))";

describe.skipIf(!hasBrowser())("the page", () => {
  let server: RunningServer;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  let held: ReturnType<typeof gate> | undefined;
  const model = new FakeModel({
    script: () => ANSWER,
    // While `held` is set, answers stop after some tokens, so that the page can be seen in the middle of one.
    beforeToken: (index, signal) =>
      held && index === 40
        ? Promise.race([held.wait, aborted(signal)])
        : new Promise((resolve) => setImmediate(resolve)),
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
    mkdirSync(shots, { recursive: true });
    await buildPage();
    server = await startServer({
      model,
      log: createLog("silent"),
      settings: { port: 0, modelName: ["flashvl-test"], drainTimeout: 1 },
    });
    browser = await openBrowser();
    page = await browser.context.newPage();
    // A busy machine is slow; what is broken never appears.
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const shot = (name: string) => page.screenshot({ path: join(shots, `${name}.png`) });
  const answers = () => page.getByRole("article", { name: "Model" });

  test("greets with the message box focused", async () => {
    await page.getByRole("heading", { name: "Ask about a picture" }).waitFor();
    expect(await page.getByRole("heading", { level: 1 }).allTextContents()).toEqual(["FlashVL"]);
    expect(await axe(page)).toEqual([]);
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

  test("offers an example picture with a question, and the device's camera", async () => {
    await page.getByRole("button", { name: "Try the example picture" }).click();
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    const message = page.getByRole("textbox", { name: "Message" });
    expect(await message.inputValue()).toMatch(/row 1, column 2/);
    await page.getByRole("button", { name: "Take a photo" }).click();
    const camera = page.getByRole("dialog", { name: "Take a photo" });
    await expect
      .poll(() => camera.locator("video").evaluate((video: HTMLVideoElement) => video.videoWidth))
      .toBeGreaterThan(0);
    await camera.getByRole("button", { name: "Take the photo" }).click();
    await page.getByRole("img", { name: "Picture 2" }).waitFor();
    await camera.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Remove picture 2" }).click();
    await page.getByRole("button", { name: "Remove picture 1" }).click();
    await message.fill("");
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
    held = gate();
    await page.keyboard.press("Enter");
    await page
      .locator("article[aria-busy=true] .stats")
      .getByText(/tokens\/s/)
      .waitFor();
    await shot("2-streaming");
    held.open();
    held = undefined;
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
    expect(await answer.locator("strong").allTextContents()).toEqual(["Boards", "¥7.98", "“好”"]);
    expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
    expect(await answer.getByRole("heading", { level: 2 }).allTextContents()).toEqual(["Boards"]);
    expect(await answer.locator("td").allTextContents()).toEqual(["荷兰豆", "8.5"]);
    expect(await answer.locator("img, script, a[href]").count()).toBe(0);
    expect(await answer.textContent()).toContain("<script>window.hacked = 1</script>");
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  });

  test("shows where the model looked, token by token", async () => {
    await page.getByRole("button", { name: "Where did it look?" }).click();
    const dialog = page.getByRole("dialog", { name: "Where did it look?" });
    await dialog.getByText(/% of its attention/).waitFor();
    // The fake model's tokens are bytes, three to a Chinese character.
    await dialog.getByRole("button", { name: "豆₃", exact: true }).waitFor();
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

  test("copies the request as code that has no picture data in it, and that runs", async () => {
    const codes: Record<string, string> = {};
    for (const [language, sign] of [
      ["curl", "$(base64 < picture-1.jpg"],
      ["typescript", 'picture("picture-1.jpg")'],
      ["python", 'picture("picture-1.jpg")'],
    ] as const) {
      await page.getByRole("combobox", { name: "Copy as code" }).selectOption(language);
      const copied = () => page.evaluate(() => navigator.clipboard.readText());
      await expect.poll(copied).toContain(sign);
      codes[language] = await copied();
      expect(codes[language].length).toBeLessThan(2000);
    }
    // Inside the project, so that the program finds the openai client.
    const folder = mkdtempSync(join(shots, "code-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    copyFileSync(photo, join(folder, "picture-1.jpg"));
    const asked = model.requests.at(-1)!.messages;
    const before = model.requests.length;
    const completion = JSON.parse(await output("sh", ["-c", codes.curl!], folder));
    expect(completion.choices[0].message.content).toBe(ANSWER);
    writeFileSync(join(folder, "ask.mts"), codes.typescript!);
    expect(await output(process.execPath, ["--import", "tsx", "ask.mts"], folder)).toBe(`${ANSWER}\n`);
    expect(model.requests.slice(before).map(({ messages }) => messages)).toEqual([asked, asked]);
    if (existsSync("/usr/bin/python3")) {
      writeFileSync(join(folder, "ask.py"), codes.python!);
      await output("/usr/bin/python3", ["-c", "import ast; ast.parse(open('ask.py').read())"], folder);
    }
  });

  test("resends with other settings", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.getByLabel("Temperature").fill("0.7");
    await dialog.getByLabel("Seed").fill("5");
    await dialog.getByLabel("Top P").fill("0.85");
    await dialog.getByLabel("Longest answer in tokens").fill("6");
    await dialog.getByLabel("Longest answer in tokens").press("Tab");
    await shot("5-settings");
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Resend with the current settings" }).click();
    await page.getByText("The answer reached the longest length.").waitFor();
    expect(model.requests.at(-1)!.options).toMatchObject({
      temperature: 0.7,
      topP: 0.85,
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
    // A closed dialog gives the focus to the message box, a moment after it is closed.
    await page.locator("#message:focus").waitFor();
    await page.getByRole("button", { name: "New conversation" }).first().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("stop this one");
    const before = model.aborted;
    held = gate();
    await page.keyboard.press("Enter");
    await page
      .locator("article[aria-busy=true] .stats")
      .getByText(/tokens/)
      .waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Stopped.").waitFor();
    held = undefined;
    await expect.poll(() => model.aborted).toBe(before + 1);
  });

  test("keeps conversations across a reload, which shows the same one again, and deletes them on demand", async () => {
    const list = page.getByRole("navigation", { name: "Conversations" });
    await list.getByRole("button", { name: "stop this one", exact: true }).waitFor();
    await page.reload();
    await page.getByText("Stopped.").waitFor();
    expect(await page.title()).toBe("stop this one · FlashVL");
    await list.getByRole("button", { name: "What is on the boards?", exact: true }).click();
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    await list.getByRole("button", { name: "Delete conversation: stop this one" }).click();
    await expect.poll(() => list.getByRole("listitem").count()).toBe(1);
  });

  test("speaks Chinese, and tells assistive technology so", async () => {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByLabel("Language").selectOption("zh");
    await page.getByRole("article", { name: "模型" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("zh-CN");
    await page
      .getByRole("navigation", { name: "对话" })
      .getByRole("button", { name: "What is on the boards?", exact: true })
      .click();
    await shot("6-chinese");
    expect(await axe(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await shot("7-desktop-dark");
    expect(await axe(page)).toEqual([]);
  });

  test("fits a phone, in the dark too, without a serious accessibility fault", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await shot("8-phone-dark");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: "对话", exact: true }).click();
    await shot("9-phone-list");
    expect(await axe(page)).toEqual([]);
  });

  test("has loaded nothing from elsewhere and raised no error, its own strict policy included", () => {
    expect(faults).toEqual([]);
  });
});

/** What a program prints; throws an Error with its last words when it fails. */
function output(command: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let [out, words] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      words += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(out) : reject(new Error(words))));
  });
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
}

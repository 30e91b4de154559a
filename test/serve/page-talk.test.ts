// What the chat page does when something is refused, cut, edited, searched or exported; places in answers, and working apart.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../../src/processor/index.ts";
import { type RunningServer, startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { axe, type Browser, buildPage, hasBrowser, openBrowser, root } from "./browser.ts";
import { FakeModel } from "./fake-model.ts";
import { gate } from "./start.ts";

const shots = join(root, "runs/page");
const photo = join(root, "test/golden/static-tiny/images/photo.jpg");
const KEY = "open-sesame";
const suggestions = { en: ["What is red?", "Where is it?"], zh: ["什么是红的?"] };

const textOf = ({ content }: Message): string =>
  typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");
const picturesIn = (messages: readonly Message[]): number =>
  messages.flatMap(({ content }) => (typeof content === "string" ? [] : content)).filter(({ type }) => type === "image")
    .length;

describe.skipIf(!hasBrowser())("the page", () => {
  let server: RunningServer;
  let locked: RunningServer;
  let browser: Browser;
  let page: Page;
  /** While it is set, more messages are too many for the model. */
  let most: number | undefined;
  let fails: Error | undefined;
  let held: ReturnType<typeof gate> | undefined;
  /** The answer that a heat map was asked for, as ids. */
  let looked: readonly number[] = [];
  const model = new FakeModel({
    card: { suggestions, reads: { en: "This model reads boxes only.", zh: "这个模型只看方框。" } },
    script(messages) {
      if (fails) throw fails;
      if (most !== undefined && messages.length > most)
        throw Object.assign(new Error("The prompt has more than 9 tokens."), { code: "CONTEXT_OVERFLOW" });
      const asked = textOf(messages.at(-1)!);
      if (asked === "working") return "<think>1 and 1 is **2**</think><answer>2</answer>";
      if (asked === "boxes") return "<ref>leek</ref><box>[[100, 200, 500, 800]]</box>, tip <point>[[900, 100]]</point>";
      return `re: ${asked}`;
    },
    async attention(_messages, answer) {
      looked = answer as readonly number[];
      return { rows: 2, columns: 2, maps: [new Float32Array(4).fill(0.1)] };
    },
    beforeToken: (index, signal) =>
      held && index === 4
        ? Promise.race([held.wait, aborted(signal)])
        : new Promise((resolve) => setImmediate(resolve)),
  });

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    await buildPage();
    const start = (settings: object) =>
      startServer({
        model,
        log: createLog("silent"),
        settings: { port: 0, modelName: ["flashvl-test"], drainTimeout: 1, ...settings },
      });
    [server, locked] = await Promise.all([start({}), start({ apiKey: [KEY] })]);
    browser = await openBrowser();
  });
  beforeEach(async () => {
    most = fails = held = undefined;
    await page?.close();
    page = await browser.context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), locked?.close()]);
  });

  const shot = (name: string) => page.screenshot({ path: join(shots, `${name}.png`) });
  const box = () => page.getByRole("textbox", { name: "Message" });
  const ask = async (text: string, picture = false) => {
    if (picture) await page.locator("input[type=file][multiple]").setInputFiles(photo);
    await box().fill(text);
    await page.keyboard.press("Enter");
  };
  const asked = async (text: string, picture = false) => {
    await ask(text, picture);
    await page.getByText(`re: ${text}`, { exact: true }).waitFor();
    // Its last word is shown before its end has arrived; a message that is sent until then stops it instead.
    await page.locator("article[aria-busy=true]").waitFor({ state: "detached" });
  };
  const sent = () => model.requests.at(-1)!.messages;

  test("an empty page says what the model reads and suggests what it knows, about the example picture", async () => {
    await page.getByText("This model reads boxes only.").waitFor();
    const offered = page.getByRole("group", { name: "Questions to begin with" }).getByRole("button");
    expect(await offered.allTextContents()).toEqual(suggestions.en);
    await offered.nth(1).click();
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    expect(await box().inputValue()).toBe("Where is it?");
    await offered.nth(0).click();
    await expect.poll(() => box().inputValue()).toBe("What is red?");
    expect(await page.getByRole("img", { name: /Picture/ }).count()).toBe(1);
    await shot("10-suggestions");
    expect(await axe(page)).toEqual([]);
  });

  test("a message that is refused is back in the box with its pictures, and the page says why in words", async () => {
    fails = Object.assign(new Error("full"), { code: "QUEUE_FULL" });
    await ask("keep me", true);
    const alert = page.getByRole("alert").filter({ hasText: "The server is busy." });
    await alert.waitFor();
    expect(await box().inputValue()).toBe("keep me");
    await page.getByRole("img", { name: "Picture 1" }).waitFor();
    expect(await page.getByRole("article").count()).toBe(0);
    await shot("11-refused");
    const list = page.getByRole("navigation", { name: "Conversations" });
    expect(await list.getByRole("button", { name: "Untitled", exact: true }).count()).toBe(0);
    expect(await axe(page)).toEqual([]);
    fails = undefined;
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.getByText("re: keep me", { exact: true }).waitFor();
    expect(picturesIn(sent())).toBe(1);
    expect(await box().inputValue()).toBe("");
    expect(await alert.count()).toBe(0);
  });

  test("a server that is gone is said to be gone, and an unknown failure to be in its log", async () => {
    await page.route("**/v1/chat/completions", (route) => route.abort("connectionrefused"));
    await ask("hello");
    await page.getByRole("alert").filter({ hasText: "The server cannot be reached." }).waitFor();
    expect(await box().inputValue()).toBe("hello");
    await page.unroute("**/v1/chat/completions");
    fails = new Error("a secret of the inside");
    await ask("hello");
    await page.getByRole("alert").filter({ hasText: "The server failed on this message. Its log says why." }).waitFor();
    expect(await page.getByText("secret").count()).toBe(0);
  });

  test("an answer that breaks off keeps what came, and says so; an error event in the middle too", async () => {
    const chunk = (delta: object) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;
    const error = { message: "The queue is full.", code: "queue_full" };
    for (const end of [`data: ${JSON.stringify({ error })}\n\n`, ""]) {
      await page.route("**/v1/chat/completions", (route) =>
        route.fulfill({
          contentType: "text/event-stream",
          body: `${chunk({ role: "assistant", content: "" })}${chunk({ content: "Half an" })}${end}`,
        }),
      );
      await ask("tell me");
      const answer = page.getByRole("article", { name: "Model" }).last();
      await answer.getByText("The server failed on this message.").waitFor();
      await page.locator("article[aria-busy=true]").waitFor({ state: "detached" });
      expect(await answer.textContent()).toContain("Half an");
      await page.getByRole("button", { name: "New conversation" }).first().click();
    }
  });

  test("a full conversation offers to let old turns go, and keeps the picture that it is about", async () => {
    await asked("one", true);
    await asked("two");
    await asked("three");
    most = 3;
    await ask("four");
    const alert = page.getByRole("alert").filter({ hasText: "longer than the model can read" });
    await alert.waitFor();
    await shot("12-too-long");
    await alert.getByRole("button", { name: "Forget the oldest messages and ask again" }).click();
    await page.getByText("re: four", { exact: true }).waitFor();
    expect(sent().map(textOf)).toEqual(["three", "re: three", "four"]);
    expect(picturesIn(sent())).toBe(1);
    await page.getByText("The model no longer sees what stands above").waitFor();
    expect(await page.getByText("re: one", { exact: true }).count()).toBe(1);
    await shot("13-forgotten");
    most = 0;
    await ask("five");
    await alert.getByRole("button", { name: /Forget/ }).click();
    await page.getByText("do not fit into what the model can read").waitFor();
    expect(await box().inputValue()).toBe("five");
  });

  test("pictures of earlier turns are sent again, in their turns", async () => {
    await asked("one", true);
    await asked("two");
    await asked("three", true);
    expect(sent().map((message) => picturesIn([message]))).toEqual([1, 0, 0, 0, 1]);
  });

  test("an earlier message can be changed: what follows is replaced, and nothing where that is refused", async () => {
    await asked("first", true);
    await asked("second");
    const edit = () => page.getByRole("article", { name: "You" }).first().getByRole("button", { name: "Edit" }).click();
    await edit();
    await page.getByText("You are changing an earlier message.").waitFor();
    expect(await box().inputValue()).toBe("first");
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await box().inputValue()).toBe("");
    await edit();
    await shot("14-edit");
    fails = Object.assign(new Error("full"), { code: "QUEUE_FULL" });
    await ask("changed");
    // The failed answer says so too, for the moment before all is as it was.
    await page.getByRole("alert").filter({ hasText: "The server is busy." }).waitFor();
    await expect.poll(() => page.getByRole("article").count()).toBe(4);
    fails = undefined;
    await asked("changed");
    await expect.poll(() => page.getByRole("article").count()).toBe(2);
    expect(sent().map(textOf)).toEqual(["changed"]);
    expect(picturesIn(sent())).toBe(1);
  });

  test("conversations are found by their words, and exported with their pictures", async () => {
    await asked("a needle in here", true);
    await page.getByRole("button", { name: "New conversation" }).first().click();
    await asked("only hay");
    const list = page.getByRole("navigation", { name: "Conversations" });
    await list.getByRole("searchbox").fill("re: NEEDLE here");
    const found = list.getByRole("button", { name: "a needle in here", exact: true });
    await found.waitFor();
    await expect.poll(() => list.getByRole("listitem").count()).toBe(1);
    await shot("15-search");
    await list.getByRole("searchbox").fill("nothing of that");
    await list.getByText("No conversation has these words.").waitFor();
    await list.getByRole("searchbox").fill("needle");
    await found.click();
    const exported = async (name: string) => {
      await page.getByRole("button", { name: "Export conversation" }).click();
      const dialog = page.getByRole("dialog", { name: "Export conversation" });
      await shot("16-export");
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        dialog.getByRole("button", { name: new RegExp(`^${name}`) }).click(),
      ]);
      await dialog.waitFor({ state: "detached" });
      return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
    };
    const picture = `data:image/jpeg;base64,${readFileSync(photo, "base64")}`;
    expect(await exported("Markdown")).toEqual({
      name: "a needle in here.md",
      text: `# a needle in here\n\n## You\n\n![Picture 1](${picture})\n\na needle in here\n\n## Model\n\nre: a needle in here\n`,
    });
    const json = await exported("JSON");
    expect(json.name).toBe("a needle in here.json");
    expect(JSON.parse(json.text)).toMatchObject({
      title: "a needle in here",
      model: "flashvl-test",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: picture } },
            { type: "text", text: "a needle in here" },
          ],
        },
        { role: "assistant", content: "re: a needle in here", ending: "stop" },
      ],
    });
  });

  test("places that an answer names are drawn on the picture", async () => {
    await ask("boxes", true);
    const answer = page.getByRole("article", { name: "Model" });
    await answer.getByText("leek ①, tip ②").waitFor();
    const picture = answer.getByRole("img", { name: /① leek \(100, 200, 500, 800\); ② \(900, 100\)/ });
    const [whole, drawn] = await Promise.all([picture.boundingBox(), answer.locator("rect.over").boundingBox()]);
    expect((drawn!.x - whole!.x) / whole!.width).toBeCloseTo(0.1, 1);
    expect((drawn!.y - whole!.y) / whole!.height).toBeCloseTo(0.2, 1);
    expect(drawn!.width / whole!.width).toBeCloseTo(0.4, 1);
    expect(drawn!.height / whole!.height).toBeCloseTo(0.6, 1);
    expect(await answer.locator(".point").count()).toBe(1);
    await shot("17-boxes");
    expect(await axe(page)).toEqual([]);
  });

  test("the model's working is folded above its answer, and not sent again", async () => {
    await ask("working", true);
    const answer = page.getByRole("article", { name: "Model" });
    await answer.locator(".answer").getByText("2", { exact: true }).waitFor();
    await page.locator("article[aria-busy=true]").waitFor({ state: "detached" });
    const working = answer.getByText("1 and 1 is 2");
    expect(await working.isVisible()).toBe(false);
    await answer.getByText("How it was worked out").click();
    expect(await working.isVisible()).toBe(true);
    await shot("18-working");
    expect(await axe(page)).toEqual([]);
    // Where it looked is asked about the whole answer, as the model wrote it.
    await answer.getByRole("button", { name: "Where did it look?" }).click();
    await page.getByText(/% of its attention/).waitFor();
    expect(Buffer.from(looked).toString()).toBe("<think>1 and 1 is **2**</think><answer>2");
    await page.keyboard.press("Escape");
    await asked("next");
    expect(sent().map(textOf)).toEqual(["working", "2", "next"]);
  });

  test("leaving the page or the conversation ends the answer under way, which a reload shows as stopped", async () => {
    held = gate();
    const before = model.aborted;
    await ask("long one");
    await page
      .getByText("re: ", { exact: true })
      .or(page.getByText("re:", { exact: true }))
      .waitFor();
    await page.getByRole("button", { name: "New conversation" }).first().click();
    await expect.poll(() => model.aborted).toBe(before + 1);
    await ask("another");
    await page
      .locator("article[aria-busy=true] .stats")
      .getByText(/tokens/)
      .waitFor();
    await page.reload();
    await expect.poll(() => model.aborted).toBe(before + 2);
    held = undefined;
    await page.getByText("another", { exact: true }).first().waitFor();
    await page.getByText("Stopped.").waitFor();
    await asked("and now");
  });

  test("a server with a key asks for it at once, refuses a wrong one, and asks again where it no longer counts", async () => {
    await page.goto(locked.url);
    const dialog = page.getByRole("dialog", { name: "This server needs an API key" });
    await dialog.getByLabel("API key").fill("wrong");
    await page.keyboard.press("Enter");
    await dialog.getByText("The server does not take this API key.").waitFor();
    await shot("19-key");
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await ask("without");
    await dialog.waitFor();
    await dialog.getByLabel("API key").fill(KEY);
    await dialog.getByRole("button", { name: "Use this key" }).click();
    await page.getByText("re: without", { exact: true }).waitFor();
    await asked("with");
  });
});

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
}

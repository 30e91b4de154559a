// The browser's door needs nothing of Node, and gives the same pixels and prompts in a page.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as Door from "../../src/processor/browser.ts";
import { buildPrompt, hashImage, loadImage, Tokenizer, withImages } from "../../src/processor/index.ts";
import { findBrowser } from "./find-browser.ts";
import { readJson, STATIC_TINY } from "./golden.ts";

const { pictures } = readJson<{ pictures: { name: string; file: string; rgb: string }[] }>(
  new URL("pillow.json", import.meta.url),
);
/** Chromium has no TIFF decoder and no CMYK without a profile, and a canvas keeps neither alpha's colours nor 16 bits. */
const OPAQUE = pictures.filter(
  ({ name }) => !/tiff$|cmyk|16\.png|^rgba|^la\.|-(transparent|alphas|colour-key)\.png/.test(name),
);

/** Makes the door's functions global, as a test cannot import them inside the page. */
const PAGE = `<!doctype html><script type="module">
  import * as door from "/processor.js";
  globalThis.door = door;
</script>`;

let bundle: string;
beforeAll(async () => {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL("../../src/processor/browser.ts", import.meta.url)), formats: ["es"] },
    },
  });
  const [output] = [result].flat() as { output: { code: string; imports: string[] }[] }[];
  expect(output!.output.flatMap(({ imports }) => imports)).toEqual([]);
  bundle = output!.output[0]!.code;
});

test("the bundle imports nothing: no Node modules, no native ones", () => {
  expect(bundle).not.toMatch(/from\s*["'](node:|sharp)|__vite-browser-external|require\(/);
  expect(bundle).toContain("createImageBitmap");
});

describe.skipIf(findBrowser() === undefined)("in a page", () => {
  let browser: Browser;
  let page: Page;
  const server = http.createServer((request, response) => {
    const script = request.url === "/processor.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? bundle : PAGE);
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: findBrowser()!, args: ["--no-sandbox"] });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
  });

  /** The picture as the page decodes it. */
  const decode = (file: string, exifOrientation: boolean) =>
    page.evaluate(
      async ([url, orientation]) => {
        const { door } = globalThis as unknown as { door: typeof Door };
        const { data, width, height } = await door.loadImage(url, { exifOrientation: orientation });
        return { width, height, data: Array.from(data) };
      },
      [`data:;base64,${file}`, exifOrientation] as const,
    );

  test.each(OPAQUE)("$name decodes to Pillow's pixels", async ({ name, file, rgb }) => {
    const { data } = await decode(file, false);
    const expected = Buffer.from(rgb, "base64");
    expect(data.length).toBe(expected.length);
    const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(/jpg$|avif$|^lossy/.test(name) ? 4 : 0);
  });

  test("EXIF orientation is honoured as in Node", async () => {
    const { file } = pictures.find(({ name }) => name === "turned.jpg")!;
    const inNode = await loadImage(Buffer.from(file, "base64"));
    const inPage = await decode(file, true);
    expect([inPage.width, inPage.height]).toEqual([inNode.width, inNode.height]);
  });

  test("an opened picture has its size and, once loaded, the hash that Node gives it", async () => {
    const { file } = pictures.find(({ name }) => name.endsWith(".png") && !/alpha|^rgba|^la\.|transparent/.test(name))!;
    const inNode = await loadImage(Buffer.from(file, "base64"));
    const inPage = await page.evaluate(async (url) => {
      const { door } = globalThis as unknown as { door: typeof Door };
      const { width, height, load } = await door.openImage(url);
      return { width, height, hash: await door.hashImage(await load()) };
    }, `data:;base64,${file}`);
    expect(inPage).toEqual({ width: inNode.width, height: inNode.height, hash: hashImage(inNode) });
  });

  test("prompts and model input are the same", async () => {
    const tokenizerJson = readJson(new URL("tokenizer.json", STATIC_TINY));
    const messages = [{ role: "user" as const, content: "荷兰豆 <|im_end|> 12" }];
    const ids = await page.evaluate(
      async ([json, list]) => {
        const { door } = globalThis as unknown as { door: typeof Door };
        const prompt = door.buildPrompt(door.Tokenizer.fromJSON(json), door.withImages("a", list), { imageTokens: 4 });
        return prompt.ids;
      },
      [tokenizerJson, messages] as const,
    );
    const here = buildPrompt(Tokenizer.fromJSON(tokenizerJson), withImages("a", messages), { imageTokens: 4 });
    expect(ids).toEqual(here.ids);
  });

  test("what is no picture is refused with the same error", async () => {
    const message = await page.evaluate(async () => {
      const { door } = globalThis as unknown as { door: typeof Door };
      return door.loadImage(new Uint8Array([1, 2, 3])).catch((error: Error) => `${error.name}: ${error.message}`);
    });
    expect(message).toMatch(/^InputError: The data is not an image of a known format: it begins with 01 02 03/);
  });
});

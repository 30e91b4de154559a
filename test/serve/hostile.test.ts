// Hostile clients: each gets the right status, and the server's memory, slots and other answers are unharmed.
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { fetchImage } from "../../src/processor/index.ts";
import { type RunningServer, readSettings } from "../../src/serve/index.ts";
import { pictureLoader } from "../../src/serve/pictures.ts";
import { echo, FakeModel } from "./fake-model.ts";
import { gate, post, start, until } from "./start.ts";

const CHAT = "/v1/chat/completions";
const hello = { messages: [{ role: "user", content: "Hi" }] };
const show = (url: string) => ({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] });

/** Status, error code, and that nothing is held afterwards and the next request is answered. */
async function refusal(server: RunningServer, response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(error.message).not.toMatch(/node_modules|\.ts:|at \w+ \(/);
  await until(() =>
    expect([server.context.queue.running, server.context.queue.waiting, server.context.bodies.held]).toEqual([0, 0, 0]),
  );
  expect((await post(server, CHAT, hello)).status).toBe(200);
  return [response.status, error.code];
}

/** Bodies that are refused: name, text, headers, status and code. */
const BODIES = [
  ["cut off", '{"messages": [', {}, 400, "invalid_json"],
  ["empty", "", {}, 400, "invalid_json"],
  ["a list", "[]", {}, 400, "invalid_request"],
  ["null", "null", {}, 400, "invalid_request"],
  ["nested deeply", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, {}, 400, "invalid_request"],
  ["prototype names", '{"__proto__": {"model": "x"}, "messages": []}', {}, 400, "unsupported_parameter"],
  ["form data", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
  [
    "plain text, as a page of another origin may send",
    JSON.stringify(hello),
    { "content-type": "text/plain" },
    415,
    "unsupported_media_type",
  ],
] as const;

describe("bodies", () => {
  test.each(BODIES)("%s", async (_, body, headers, status, code) => {
    const server = await start();
    expect(await refusal(server, await post(server, CHAT, body, { headers }))).toEqual([status, code]);
  });

  test("not UTF-8", async () => {
    const server = await start();
    const response = await fetch(server.url + CHAT, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    });
    expect(await refusal(server, response)).toEqual([400, "invalid_json"]);
  });

  test("over the limit, whether the length is declared or not", async () => {
    const server = await start({ settings: { maxBodyBytes: 1000 } });
    expect(await refusal(server, await post(server, CHAT, "x".repeat(2000)))).toEqual([413, "body_too_large"]);
    const chunked = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(700));
      },
    });
    const response = await post(server, CHAT, "", { body: chunked, duplex: "half" } as RequestInit);
    expect(await refusal(server, response)).toEqual([413, "body_too_large"]);
  });

  test("that together pass the memory budget get 429, the first one is still served", async () => {
    const server = await start({ settings: { maxBodyBytes: 100_000, maxBodyMemoryBytes: 100_000 } });
    const text = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(60_000) }] });
    let finish = () => {};
    const slow = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(text.slice(0, -1)));
        finish = () => {
          controller.enqueue(Buffer.from(text.slice(-1)));
          controller.close();
        };
      },
    });
    const first = post(server, CHAT, "", { body: slow, duplex: "half" } as RequestInit);
    await until(() => expect(server.context.bodies.held).toBeGreaterThan(50_000));
    const second = await post(server, CHAT, text);
    expect([second.status, (await second.json()).error.code]).toEqual([429, "body_memory_full"]);
    finish();
    expect((await first).status).toBe(200);
  });

  test("that never end are closed with 408", async () => {
    const server = await start({ settings: { bodyTimeout: 0.3 } });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"mess`,
    );
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
      socket.on("error", () => {});
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => expect(server.context.bodies.held).toBe(0));
    expect((await post(server, CHAT, hello)).status).toBe(200);
  });
});

describe("headers", () => {
  test("in floods are refused", async () => {
    const server = await start();
    const status = await new Promise<number>((resolve) =>
      request(`${server.url}/health`, { headers: { "x-flood": "x".repeat(20_000) } }, (response) =>
        resolve(response.resume().statusCode!),
      ).end(),
    );
    expect(status).toBe(431);
  });

  test("without end are cut off", async () => {
    const server = await start({ settings: { bodyTimeout: 0.3 } });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\nX-A:");
    await new Promise<void>((resolve) =>
      socket
        .on("close", () => resolve())
        .on("error", () => {})
        .resume(),
    );
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

/** What a server writes on a connection that sends these bytes. */
function raw(server: RunningServer, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.setEncoding("latin1").on("error", () => {});
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.write(bytes);
  });
}

describe("what is no request", () => {
  const host = "Host: localhost\r\n";
  const close = "Connection: close\r\n\r\n";
  test.each([
    ["a Host with a space", `GET /health HTTP/1.1\r\nHost: a b\r\n${close}`, 400, "malformed_request"],
    ["a Host cut off", `GET /health HTTP/1.1\r\nHost: [::1\r\n${close}`, 400, "malformed_request"],
    ["an empty Host", `GET /health HTTP/1.1\r\nHost: \r\n${close}`, 400, "malformed_request"],
    ["no Host", `GET /health HTTP/1.1\r\n${close}`, 400, "malformed_request"],
    ["another Host", `GET /health HTTP/1.1\r\nHost: evil.example\r\n${close}`, 421, "host_not_allowed"],
    ["a target that is no URL", `GET http://[ HTTP/1.1\r\n${host}${close}`, 400, "malformed_request"],
    ["no HTTP", "GARBAGE\r\n\r\n", 400, "malformed_request"],
    ["a header too many bytes long", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, "headers_too_large"],
  ])("%s is refused in the shape of every error", async (_, bytes, status, code) => {
    const server = await start();
    const answer = await raw(server, bytes);
    expect(Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1])).toBe(status);
    const { error } = JSON.parse(/\{.*\}/s.exec(answer)![0]);
    expect(error).toEqual({ message: expect.stringMatching(/\.$/), type: "invalid_request_error", param: null, code });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

describe("streams", () => {
  test("that a client leaves unread cost a bounded buffer: the slot is freed and the connection closed", async () => {
    const model = new FakeModel({
      script: () => "x".repeat(60_000),
      beforeToken: (at) => (at % 500 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined),
    });
    const server = await start({ model, settings: { stallTimeout: 0.3, maxTokens: 60_000 } });
    const body = JSON.stringify({ ...hello, stream: true, logprobs: true, top_logprobs: 20, max_tokens: 6_000 });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.pause();
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.write(
      `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => expect(model.requests).toHaveLength(1));
    await until(() => expect([server.context.queue.running, model.active]).toEqual([0, 0]));
    const other = await post(server, CHAT, hello);
    expect(other.status).toBe(200);
    socket.resume();
    await closed;
  });
});

/** A PNG whose header promises `side` × `side` pixels of one colour; its data is honest, and small by compression. */
function png(side: number, honest = true): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = honest ? deflateSync(Buffer.alloc(side * (1 + Math.ceil(side / 8)))) : Buffer.alloc(10);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

/** A small honest picture of a kind. */
const small = (kind: "gif" | "jpeg") =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .toFormat(kind)
    .toBuffer();

/** A GIF whose screen and frame are said to be `side` × `side`. */
function gifUrl(gif: Buffer, side: number): string {
  const frame = gif.lastIndexOf(Buffer.from([0x2c, 0, 0, 0, 0, 8, 0, 8, 0]));
  for (const at of [6, 8, frame + 5, frame + 7]) gif.writeUInt16LE(side, at);
  return `data:image/gif;base64,${gif.toString("base64")}`;
}

/** A JPEG whose frame header says `side` × `side`. */
function jpegUrl(jpeg: Buffer, side: number): string {
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  for (const at of [frame + 5, frame + 7]) jpeg.writeUInt16BE(side, at);
  return `data:image/jpeg;base64,${jpeg.toString("base64")}`;
}

const dataUrl = (bytes: Buffer) => `data:image/png;base64,${bytes.toString("base64")}`;

/** Pictures that are refused: name, URL, status and code. */
const PICTURES: [string, string, number, string][] = [
  ["with a header that lies", dataUrl(png(4000, false)), 400, "image_invalid"],
  [
    "that are SVG",
    `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>').toString("base64")}`,
    400,
    "image_invalid",
  ],
  ["in broken base64", "data:image/png;base64,@@@@", 400, "invalid_image_url"],
];

describe("pictures", () => {
  test("of 10,000 × 10,000 pixels are refused before they are decoded", async () => {
    const server = await start();
    const before = process.memoryUsage.rss();
    expect(await refusal(server, await post(server, CHAT, show(dataUrl(png(10_000)))))).toEqual([
      413,
      "image_too_large",
    ]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
  });

  test("of as many pixels as GIF or JPEG are refused like them", async () => {
    const server = await start();
    const before = process.memoryUsage.rss();
    for (const url of [gifUrl(await small("gif"), 10_000), jpegUrl(await small("jpeg"), 10_000)]) {
      expect(await refusal(server, await post(server, CHAT, show(url)))).toEqual([413, "image_too_large"]);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
  });

  test("that are many small ones may not add up to a large one", async () => {
    const server = await start({ settings: { maxPixels: 1_000_000 } });
    const url = dataUrl(png(700));
    const content = [url, url, url].map((url) => ({ type: "image_url", image_url: { url } }));
    expect(await refusal(server, await post(server, CHAT, { messages: [{ role: "user", content }] }))).toEqual([
      413,
      "image_too_large",
    ]);
  });

  test.each(PICTURES)("%s are refused", async (_, url, status, code) => {
    const server = await start();
    expect(await refusal(server, await post(server, CHAT, show(url)))).toEqual([status, code]);
  });

  test("beyond the number or size allowed are refused", async () => {
    const server = await start({ settings: { maxPictures: 1, maxPictureBytes: 100 } });
    const url = dataUrl(png(8));
    const content = [url, url].map((url) => ({ type: "image_url", image_url: { url } }));
    expect(await refusal(server, await post(server, CHAT, { messages: [{ role: "user", content }] }))).toEqual([
      400,
      "too_many_images",
    ]);
    const large = `data:image/png;base64,${"A".repeat(400)}`;
    expect(await refusal(server, await post(server, CHAT, show(large)))).toEqual([413, "image_too_large"]);
  });
});

/** URLs that are refused although most of their hosts are named. */
const URLS = [
  "http://127.0.0.1/a.png",
  "http://localhost/a.png",
  "http://169.254.169.254/latest/meta-data/",
  "http://[::1]/a.png",
  "http://[::ffff:10.0.0.1]/a.png",
  "http://2130706433/a.png",
  "http://0x7f.1/a.png",
  "http://user:secret@example.com/a.png",
  "https://not-allowed.example/a.png",
];
const NAMED_HOSTS = ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[::ffff:a00:1]", "example.com"];

describe("picture URLs", () => {
  test.each(URLS)("%s is refused", async (url) => {
    const server = await start({
      settings: { pictureHost: NAMED_HOSTS },
    });
    expect(await refusal(server, await post(server, CHAT, show(url)))).toEqual([400, "image_refused"]);
  });

  test("none works unless a host is allowed", async () => {
    const server = await start();
    expect(await refusal(server, await post(server, CHAT, show("https://example.com/a.png")))).toEqual([
      400,
      "image_refused",
    ]);
  });

  test("of an allowed host that redirects to another one, or whose name turns to loopback, are refused; a good one is seen", async () => {
    let asked = 0;
    const site = createServer((incoming, outgoing) => {
      asked += 1;
      if (incoming.url === "/elsewhere") outgoing.writeHead(302, { location: `http://other.test:${port}/a.png` }).end();
      else outgoing.writeHead(200, { "content-type": "image/png" }).end(png(8));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void site.close());
    await new Promise((resolve) => site.once("listening", resolve));
    const { port } = site.address() as AddressInfo;
    // pictures.test is public; its name server then turns it to loopback, as in DNS rebinding.
    let lookups = 0;
    const settings = readSettings({ flags: { pictureHost: ["pictures.test", "good.test"] } });
    const rebinding = {
      ...pictureLoader(settings),
      fetch: (url: URL, signal: AbortSignal) =>
        fetchImage(url.href, {
          allowedHosts: settings.pictureHost,
          signal,
          // Only good.test stands for a public host here; the machine has no other way to serve one.
          allowPrivateAddresses: url.hostname === "good.test",
          resolveHost: (_host, _options, callback) => {
            lookups += 1;
            callback(null, [{ address: "127.0.0.1", family: 4 }]);
          },
        }),
    };
    const server = await start({ settings, pictures: rebinding });
    expect(await refusal(server, await post(server, CHAT, show(`http://pictures.test:${port}/a.png`)))).toEqual([
      400,
      "image_refused",
    ]);
    expect([lookups, asked]).toEqual([1, 0]);
    expect(await refusal(server, await post(server, CHAT, show(`http://good.test:${port}/elsewhere`)))).toEqual([
      400,
      "image_refused",
    ]);
    const good = await post(server, CHAT, show(`http://good.test:${port}/a.png`));
    expect((await good.json()).choices[0].message.content).toContain("[8×8]");
  });
});

test("all of it at once leaves an answer that is under way, and the memory, unharmed", async () => {
  const { wait, open } = gate();
  const model = new FakeModel({ beforeToken: (at) => (at === 5 ? wait : undefined) });
  const server = await start({ model, settings: { pictureHost: NAMED_HOSTS, maxQueue: 64 } });
  const other = [{ role: "user" as const, content: "Is all well?" }];
  const response = await post(server, CHAT, { messages: other, stream: true });
  const before = process.memoryUsage.rss();

  const attacks: [Promise<Response>, number, string][] = [
    ...BODIES.map(
      ([, body, headers, status, code]) =>
        [post(server, CHAT, body, { headers }), status, code] satisfies (typeof attacks)[number],
    ),
    ...[...PICTURES, ["of a bomb", dataUrl(png(10_000)), 413, "image_too_large"] as const].map(
      ([, url, status, code]) => [post(server, CHAT, show(url)), status, code] satisfies (typeof attacks)[number],
    ),
    ...URLS.map((url) => [post(server, CHAT, show(url)), 400, "image_refused"] satisfies (typeof attacks)[number]),
  ];
  for (const [answer, status, code] of attacks) {
    const refused = await answer;
    expect([refused.status, (await refused.json()).error.code]).toEqual([status, code]);
  }
  expect(model.requests).toHaveLength(1);
  expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 2 ** 20);

  open();
  const chunks = (await response.text()).split("\n\n").filter((block) => block.startsWith('data: {"id"'));
  const text = chunks.map((block) => JSON.parse(block.slice(6)).choices[0].delta.content ?? "").join("");
  expect(text).toBe(echo(other));
  expect([server.context.queue.running, server.context.bodies.held]).toEqual([0, 0]);
});

// Downloads of pictures: what a server may do, and what is refused, cut short or told clearly.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { InputError, type LoadImageOptions, loadImage, MAX_REDIRECTS } from "../../src/processor/index.ts";
import { noise } from "./noise.ts";

// Tests reach this machine only. For them 127.0.0.1 counts as public; every other address is judged as it is.
vi.mock("ipaddr.js", async (importOriginal) => {
  const { default: real } = await importOriginal<{ default: typeof import("ipaddr.js") }>();
  const process = (text: string) => (text === "127.0.0.1" ? { range: () => "unicast" } : real.process(text));
  return { default: { ...real, isValid: real.isValid, process } };
});

const pixels = noise(4 * 3);
let png: Buffer;
let origin: string;
let port: number;
/** What the server was asked, in order. */
let requests: { url: string; host: string | undefined }[] = [];
/** Answers by path. */
const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {};

const server = http.createServer((request, response) => {
  const path = request.url!.split("?")[0]!;
  requests.push({ url: request.url!, host: request.headers.host });
  (routes[path] ?? (() => response.writeHead(404).end()))(request, response);
});

beforeAll(async () => {
  png = await sharp(pixels, { raw: { width: 4, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function sendPng(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "image/png", "content-length": png.length }).end(png);
}

function redirectTo(location: string) {
  return (_: IncomingMessage, response: ServerResponse) => response.writeHead(302, { location }).end("moved");
}

async function fault(url: string, options: LoadImageOptions = {}): Promise<InputError> {
  requests = [];
  const error = await loadImage(url, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** A name service in which every name has these addresses. */
const resolvesTo =
  (...addresses: string[]): NonNullable<LoadImageOptions["resolveHost"]> =>
  (_, __, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );

describe("a well-behaved server", () => {
  test("gives a picture, and is asked for one without compression", async () => {
    routes["/a.png"] = (request, response) => {
      expect(request.headers).toMatchObject({ accept: "image/*", "accept-encoding": "identity" });
      sendPng(request, response);
    };
    expect([...(await loadImage(new URL(`${origin}/a.png`))).data]).toEqual([...pixels]);
  });

  test.each(["image/jpeg; charset=x", "application/octet-stream", "binary/octet-stream", undefined])(
    "may call the content %s: the bytes say what it is",
    async (type) => {
      routes["/typed"] = (_, response) => response.writeHead(200, type ? { "content-type": type } : {}).end(png);
      expect((await loadImage(`${origin}/typed`)).width).toBe(4);
    },
  );

  test("may redirect, relatively too", async () => {
    for (let i = 0; i < MAX_REDIRECTS; i++) routes[`/hop${i}`] = redirectTo(`hop${i + 1}?q`);
    routes[`/hop${MAX_REDIRECTS}`] = sendPng;
    requests = [];
    expect((await loadImage(`${origin}/hop0`)).width).toBe(4);
    expect(requests.length).toBe(MAX_REDIRECTS + 1);
  });
});

describe("addresses", () => {
  test("a literal private address is refused without a connection", async () => {
    for (const host of ["127.0.0.2", "[::1]", "[::ffff:127.0.0.2]", "10.0.0.1", "169.254.169.254", "0x7f000002"]) {
      const error = await fault(`http://${host}:${port}/a.png`);
      expect(error.code, host).toBe("refused");
      expect(error.message).toContain("allowPrivateAddresses");
      expect(requests).toEqual([]);
    }
  });

  test("a name that leads to a private address is refused, even if only one of several does", async () => {
    for (const addresses of [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["127.0.0.1", "fe80::1"], ["::ffff:10.0.0.1"]]) {
      const error = await fault(`http://image.test:${port}/a.png`, { resolveHost: resolvesTo(...addresses) });
      expect(error).toMatchObject({ code: "refused", message: expect.stringContaining("image.test") });
      expect(error.message).not.toContain(addresses.at(-1)); // an inner network's addresses are nobody's business
      expect(requests).toEqual([]);
    }
  });

  test("a redirect to a private address is refused", async () => {
    routes["/inward"] = redirectTo(`http://127.0.0.2:${port}/a.png`);
    expect((await fault(`${origin}/inward`)).code).toBe("refused");
    expect(requests.map(({ url }) => url)).toEqual(["/inward"]);
  });

  test("a redirect to a name that leads to a private address is refused", async () => {
    routes["/inward"] = redirectTo(`http://metadata.test:${port}/a.png`);
    expect((await fault(`${origin}/inward`, { resolveHost: resolvesTo("169.254.169.254") })).code).toBe("refused");
    expect(requests.length).toBe(1);
  });

  test("the connection goes to the address that was checked: rebinding finds no second lookup", async () => {
    let lookups = 0;
    const resolveHost: LoadImageOptions["resolveHost"] = (host, options, callback) => {
      lookups++;
      resolvesTo(lookups === 1 ? "127.0.0.1" : "127.0.0.2")(host, options, callback);
    };
    requests = [];
    routes["/a.png"] = sendPng;
    await loadImage(`http://rebind.test:${port}/a.png`, { resolveHost });
    expect(lookups).toBe(1);
    expect(requests).toEqual([{ url: "/a.png", host: `rebind.test:${port}` }]);
  });

  test("allowPrivateAddresses lets them through", async () => {
    routes["/a.png"] = sendPng;
    const allowed = { allowPrivateAddresses: true, resolveHost: resolvesTo("127.0.0.1") };
    expect((await loadImage(`http://inner.test:${port}/a.png`, allowed)).width).toBe(4);
    expect((await fault(`http://127.0.0.2:1/`, { ...allowed, timeoutMs: 2000 })).code).toBe("network");
  });

  test("allowedHosts names the hosts, at every hop", async () => {
    routes["/a.png"] = sendPng;
    routes["/away"] = redirectTo(`http://other.test:${port}/a.png`);
    const resolveHost = resolvesTo("127.0.0.1");
    const allowedHosts = ["*.Example.test", "example.test"];
    for (const host of ["example.test", "a.example.test", "a.b.EXAMPLE.test"]) {
      expect((await loadImage(`http://${host}:${port}/a.png`, { allowedHosts, resolveHost })).width).toBe(4);
    }
    for (const url of [`http://badexample.test:${port}/a.png`, `http://example.test:${port}/away`]) {
      expect((await fault(url, { allowedHosts, resolveHost })).code).toBe("refused");
    }
  });

  test("a name that does not exist is a network fault", async () => {
    const resolveHost: LoadImageOptions["resolveHost"] = (_, __, callback) =>
      callback(Object.assign(new Error("getaddrinfo ENOTFOUND none.test"), { code: "ENOTFOUND" }), []);
    expect(await fault("http://none.test/", { resolveHost })).toMatchObject({
      code: "network",
      message: expect.stringContaining("ENOTFOUND"),
    });
  });
});

describe("a misbehaving server", () => {
  test("redirecting for ever", async () => {
    routes["/loop"] = redirectTo("/loop");
    expect(await fault(`${origin}/loop`)).toMatchObject({
      code: "network",
      message: expect.stringContaining(`more than ${MAX_REDIRECTS} times`),
    });
    expect(requests.length).toBe(MAX_REDIRECTS + 1);
  });

  test.each(["file:///etc/passwd", "ftp://example.com/x.png", "data:image/png;base64,AA=="])(
    "redirecting to %s",
    async (location) => {
      routes["/elsewhere"] = redirectTo(location);
      expect((await fault(`${origin}/elsewhere`)).code).toBe("refused");
    },
  );

  test.each(["http://", ""])("redirecting to nowhere (%j)", async (location) => {
    routes["/nowhere"] = redirectTo(location);
    expect(await fault(`${origin}/nowhere`)).toMatchObject({ code: "network" });
  });

  test("announcing too much", async () => {
    routes["/announced"] = (_, response) => response.writeHead(200, { "content-length": 1e12 }).write("x");
    expect((await fault(`${origin}/announced`, { maxBytes: 1000 })).code).toBe("too-large");
  });

  test("sending more than allowed without an announcement", async () => {
    let closed: () => void = () => {};
    const connectionClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    routes["/endless"] = (_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(600)), 1);
      response.on("close", () => {
        clearInterval(timer);
        closed();
      });
    };
    expect((await fault(`${origin}/endless`, { maxBytes: 1000 })).code).toBe("too-large");
    await connectionClosed; // it is not left running
  });

  test("sending its body too slowly", async () => {
    routes["/slow"] = (_, response) =>
      response.writeHead(200, { "content-type": "image/png" }).write(png.subarray(0, 9));
    expect(await fault(`${origin}/slow`, { timeoutMs: 100 })).toMatchObject({
      code: "network",
      message: expect.stringContaining("within 100 ms"),
    });
  });

  test("never answering", async () => {
    routes["/mute"] = () => {};
    expect((await fault(`${origin}/mute`, { timeoutMs: 100 })).code).toBe("network");
  });

  test("cutting the connection inside the body", async () => {
    routes["/cut"] = (_, response) => {
      response.writeHead(200, { "content-length": png.length });
      response.write(png.subarray(0, 20), () => response.destroy());
    };
    expect((await fault(`${origin}/cut`)).code).toBe("network");
  });

  test.each([
    [404, "not-found"],
    [410, "not-found"],
    [204, "network"],
    [304, "network"],
    [500, "network"],
  ])("answering with status %i", async (status, code) => {
    routes["/status"] = (_, response) => response.writeHead(status).end();
    expect(await fault(`${origin}/status`)).toMatchObject({ code, message: expect.stringContaining(`${status}`) });
  });

  test("sending a page instead of a picture", async () => {
    routes["/page"] = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>");
    expect(await fault(`${origin}/page`)).toMatchObject({
      code: "invalid",
      message: expect.stringContaining("text/html; expected an image"),
    });
  });

  test("calling something a picture that is none", async () => {
    routes["/fake"] = (_, response) => response.writeHead(200, { "content-type": "image/png" }).end("<html>");
    expect((await fault(`${origin}/fake`)).message).toContain("begins with 3c 68 74 6d 6c 3e");
  });

  test("compressing what should come as it is", async () => {
    routes["/packed"] = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(png);
    expect((await fault(`${origin}/packed`)).message).toContain("content-encoding gzip");
  });
});

test("passwords in URLs are not sent", async () => {
  expect((await fault(`http://user:secret@127.0.0.1:${port}/a.png`)).code).toBe("refused");
  expect(requests).toEqual([]);
});

test("an abort ends a download with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  routes["/waiting"] = () => controller.abort(reason);
  await expect(loadImage(`${origin}/waiting`, { signal: controller.signal })).rejects.toBe(reason);
});

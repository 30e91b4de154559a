// Routing by picture with a real HAProxy in front of three servers: where pictures go, restarts one by one, and a server that is killed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleServers, haproxyConfig } from "../../deploy/routing/haproxy.ts";
import type { RunningServer } from "../../src/serve/index.ts";
import { until } from "../serve/start.ts";
import { routedServer } from "./routed-server.ts";

const hasHaproxy = spawnSync("haproxy", ["-v"]).status === 0;
if (!hasHaproxy)
  console.warn("Routing by picture is not tested: there is no haproxy here (Debian: apt install haproxy).");

const ROOT = join(import.meta.dirname, "../..");
const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];
const PICTURES = 40;

test("haproxy.cfg is what the code writes", () => {
  const file = readFileSync(join(ROOT, "deploy/routing/haproxy.cfg"), "utf8");
  expect(file, "Run `npm run deploy:manifests`.").toBe(haproxyConfig(exampleServers));
});

test("what docs/scaling.md shows of it stands in it", () => {
  const page = readFileSync(join(ROOT, "docs/scaling.md"), "utf8");
  const [, shown] = /The core of it:\n\n```\n([^`]+)```/.exec(page)!;
  const lines = haproxyConfig(exampleServers).split("\n");
  for (const line of shown!.trim().split("\n"))
    expect(
      lines.filter((known) => known.trim().startsWith(line)),
      line,
    ).not.toEqual([]);
});

describe.skipIf(!hasHaproxy)("three servers behind HAProxy", () => {
  const folder = mkdtempSync(join(tmpdir(), "flashvl-route-"));
  const at = (name: string) => join(folder, `${name}.sock`);
  const running = new Map<Name, RunningServer>();
  let haproxy: ChildProcess;
  let killed: ChildProcess | undefined;
  let pictures: string[];
  /** One connection: HAProxy has done with a request before it reads the next, so its counts of running requests are exact. */
  const one = new Agent({ keepAlive: true, maxSockets: 1 });
  const many = new Agent({ keepAlive: true, maxSockets: 4 });

  beforeAll(async () => {
    pictures = await Promise.all(
      Array.from({ length: PICTURES }, async (_, i) => {
        const background = { r: 4 * i, g: 255 - i, b: (37 * i) % 256 };
        const png = await sharp({ create: { width: 2, height: 2, channels: 3, background } })
          .png()
          .toBuffer();
        return png.toString("base64");
      }),
    );
    for (const name of NAMES) running.set(name, await routedServer(name, at(name)));
    const servers = Object.fromEntries(NAMES.map((name) => [name, `unix@${at(name)}`]));
    const config = haproxyConfig({
      ...exampleServers,
      bind: `unix@${at("front")}`,
      servers,
      checkEvery: "100ms",
      checkWithin: "120s",
    });
    writeFileSync(join(folder, "haproxy.cfg"), config);
    writeFileSync(join(folder, "admin.cfg"), `global\n  stats socket ${at("admin")}\n`);
    const files = ["-f", join(folder, "haproxy.cfg"), "-f", join(folder, "admin.cfg")];
    const checked = spawnSync("haproxy", ["-c", ...files], { encoding: "utf8" });
    expect(checked.status, checked.stderr).toBe(0);
    haproxy = spawn("haproxy", ["-db", ...files], { stdio: "ignore" });
    await allUp();
  });
  afterAll(async () => {
    one.destroy();
    many.destroy();
    haproxy?.kill("SIGKILL");
    killed?.kill("SIGKILL");
    await Promise.all([...running.values()].map((server) => server.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** What HAProxy thinks of each server, and how many requests it has there. */
  async function states(): Promise<Record<string, string>> {
    const socket = connect(at("admin"));
    socket.end("show stat\n");
    let text = "";
    for await (const chunk of socket) text += chunk;
    const rows = text.split("\n").map((line) => line.split(","));
    return Object.fromEntries(
      rows
        .filter(([proxy, name]) => proxy === "servers" && name !== "BACKEND")
        .map((row) => [row[1]!, `${row[17]} ${row[4]}`]),
    );
  }

  const allUp = () =>
    until(async () =>
      expect(await states()).toEqual({
        a: expect.stringMatching(/^UP /),
        b: expect.stringMatching(/^UP /),
        c: expect.stringMatching(/^UP /),
      }),
    );
  /** All servers are up and nothing runs, so nothing overflows. */
  const allIdle = () => until(async () => expect(await states()).toEqual({ a: "UP 0", b: "UP 0", c: "UP 0" }));

  /** Asks, and tells the status and the answer. */
  function ask(
    path: string,
    body: object,
    agent = one,
    headers: object = {},
  ): Promise<{ status: number; text: string }> {
    const bytes = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const options = {
        socketPath: at("front"),
        agent,
        method: "POST",
        path,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(bytes), ...headers },
      };
      request(options, async (response) => {
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) text += chunk;
        resolve({ status: response.statusCode!, text });
      })
        .on("error", reject)
        .end(bytes);
    });
  }

  const image = (base64: string) => ({ type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } });
  const chat = (...messages: object[]) => ({ model: "flashvl", messages });
  let questions = 0;
  /** Asks something new about a picture; the server that answered, and whether it knew the picture. */
  async function about(picture: string, agent = one): Promise<{ server: Name; known: boolean }> {
    const text = { type: "text", text: `Question ${questions++}` };
    const answer = await ask("/v1/chat/completions", chat({ role: "user", content: [image(picture), text] }), agent);
    expect(answer.status, answer.text).toBe(200);
    const [server, hit] = JSON.parse(answer.text).choices[0].message.content.split(" ");
    return { server, known: hit === "hit" };
  }
  async function round(): Promise<{ servers: Name[]; hits: number }> {
    const answers = [];
    for (const picture of pictures) answers.push(await about(picture));
    return { servers: answers.map(({ server }) => server), hits: answers.filter(({ known }) => known).length };
  }

  test("pictures are spread over all, and at least 95 % of the further questions find their picture known", async () => {
    const first = await round();
    expect(first.hits).toBe(0);
    for (const name of NAMES)
      expect(first.servers.filter((server) => server === name).length).toBeGreaterThan(PICTURES / 10);
    const again = await round();
    expect(again.hits).toBeGreaterThanOrEqual(0.95 * PICTURES);
    expect(again.servers).toEqual(first.servers);
  });

  test("a picture leads to the same server in every API and place", async () => {
    const words = { type: "text", text: "What is this?" };
    const system = { role: "system", content: "Be brief." };
    for (const picture of pictures.slice(0, 6)) {
      const { server } = await about(picture);
      const source = { type: "base64", media_type: "image/png", data: picture };
      const asked: [string, object][] = [
        ["/v1/chat/completions", chat({ role: "user", content: [words, image(picture)] })],
        ["/v1/chat/completions", chat(system, { role: "user", content: [image(picture), words] })],
        ["/v1/chat/completions", chat(system, { role: "user", content: [words, image(picture)] })],
        ["/v1/messages", { ...chat({ role: "user", content: [{ type: "image", source }, words] }), max_tokens: 20 }],
        ["/api/chat", { ...chat({ role: "user", content: "What is this?", images: [picture] }), stream: false }],
        ["/api/generate", { model: "flashvl", prompt: "What is this?", images: [picture], stream: false }],
        [
          "/v1/responses",
          {
            model: "flashvl",
            input: [
              {
                role: "user",
                content: [
                  { type: "input_image", image_url: `data:image/png;base64,${picture}`, detail: "auto" },
                  { type: "input_text", text: "What is this?" },
                ],
              },
            ],
          },
        ],
      ];
      for (const [path, body] of asked) {
        const { status, text } = await ask(path, body);
        expect([status, text], `${path} ${JSON.stringify(body).slice(0, 200)}`).toEqual([
          200,
          expect.stringContaining(`"${server} hit"`),
        ]);
      }
    }
  });

  test("requests without a picture are shared, unless the client names a digest", async () => {
    const body = chat({ role: "user", content: "Hello" });
    const servers = async (headers: object) => {
      const answers = [];
      for (let i = 0; i < 6; i++) answers.push((await ask("/v1/chat/completions", body, one, headers)).text);
      return new Set(answers.map((text) => JSON.parse(text).choices[0].message.content)).size;
    };
    expect(await servers({})).toBe(3);
    expect(await servers({ "x-picture-digest": "mine" })).toBe(1);
  });

  test("a client's own digest, where the body is not searched, is the one that HAProxy computes", async () => {
    const body = chat({ role: "user", content: "Hello" });
    for (const picture of pictures.slice(0, 6)) {
      const digest = createHash("sha256").update(picture).digest("hex");
      const { text } = await ask("/v1/chat/completions", body, one, { "x-picture-digest": digest });
      expect(JSON.parse(text).choices[0].message.content).toBe(`${(await about(picture)).server} none`);
    }
  });

  test("no request fails while every server is restarted, one by one", async () => {
    const before = await round();
    let restarting = true;
    let answered = 0;
    const load = Array.from({ length: 4 }, async (_, worker) => {
      for (let i = worker; restarting; i += 4) {
        await about(pictures[i % PICTURES]!, many);
        answered += 1;
      }
    });
    const restarts = async () => {
      for (const name of NAMES) {
        const atLeast = answered + 20;
        await running.get(name)!.close();
        // Some requests meet the gap.
        await until(() => expect(answered).toBeGreaterThan(atLeast));
        running.set(name, await routedServer(name, at(name)));
        await allUp();
      }
    };
    // A request that fails ends the test at once.
    await Promise.race([restarts(), Promise.all(load)]).finally(() => {
      restarting = false;
    });
    await Promise.all(load);
    await allIdle();
    expect(answered).toBeGreaterThan(60);
    expect((await round()).servers).toEqual(before.servers);
  });

  test("when a server is killed only its pictures move, nothing fails, and they return with it", async () => {
    const before = await round();
    await running.get("b")!.close();
    running.delete("b");
    const program = spawn(
      process.execPath,
      ["--import", "tsx", join(import.meta.dirname, "routed-server.ts"), "b", at("b")],
      {
        cwd: ROOT,
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    killed = program;
    await once(program.stdout, "data");
    await allUp();
    expect((await round()).servers).toEqual(before.servers);
    const ended = once(program, "exit");
    program.kill("SIGKILL");
    await ended;
    // HAProxy learns it from these requests or from its checks, whichever comes first.
    const without = await round();
    for (const [i, server] of without.servers.entries())
      if (before.servers[i] === "b") expect(server).not.toBe("b");
      else expect(server).toBe(before.servers[i]);
    running.set("b", await routedServer("b", at("b")));
    await allUp();
    expect((await round()).servers).toEqual(before.servers);
  });
});

/** @file A hub and its store on two loopback ports, which answer as the real ones do and misbehave when a test says so. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  server: "hub" | "store";
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** Body bytes that were sent in answer. */
  sent: number;
}

/** What goes wrong with one answer. */
export interface Mischief {
  /** Answer with this status instead. */
  status?: number;
  headers?: Record<string, string>;
  /** Close the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Send so many bytes and then nothing, without closing. */
  stallAfter?: number;
  /** Send other bytes of the same number. */
  wrongBytes?: boolean;
  /** Answer a range request with the whole file. */
  ignoreRange?: boolean;
  /** Announce and send fewer bytes than asked for. */
  shortBy?: number;
  /** Wait for this before answering. */
  after?: Promise<unknown>;
}

export interface FakeFile {
  content: Buffer;
  large: boolean;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export class FakeHub {
  readonly asked: Asked[] = [];
  commit = COMMIT;
  /** Asked before each answer. */
  mischief: (asked: Asked) => Mischief | undefined = () => undefined;
  /** Listings without size and hashes, as some mirrors give. */
  bareListing = false;
  endpoint = "";
  private storeUrl = "";
  private signature = 0;
  private readonly servers: Server[] = [];

  constructor(
    readonly files: Map<string, FakeFile>,
    readonly repo = "org/model",
  ) {}

  async start(): Promise<this> {
    this.endpoint = await this.listen((request, response, asked) => this.answerHub(request, response, asked), "hub");
    this.storeUrl = await this.listen(
      (request, response, asked) => this.answerStore(request, response, asked),
      "store",
    );
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.servers.map((server) => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      }),
    );
  }

  /** Body bytes that the store has sent. */
  get storeBytes(): number {
    return this.asked.filter(({ server }) => server === "store").reduce((sum, { sent }) => sum + sent, 0);
  }

  private async listen(
    answer: (request: IncomingMessage, response: ServerResponse, asked: Asked) => void,
    server: "hub" | "store",
  ) {
    const listener = createServer(async (request, response) => {
      const asked: Asked = {
        server,
        method: request.method ?? "",
        path: decodeURIComponent(request.url ?? ""),
        range: request.headers.range,
        authorization: request.headers.authorization,
        sent: 0,
      };
      this.asked.push(asked);
      response.on("error", () => {});
      answer(request, response, asked);
    });
    this.servers.push(listener);
    await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  private answerHub(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    const url = new URL(request.url ?? "", this.endpoint);
    if (url.pathname.startsWith(`/api/models/${this.repo}/revision/`)) {
      const siblings = [...this.files].map(([rfilename, file]) => {
        if (this.bareListing) return { rfilename };
        const base = { rfilename, size: file.content.length, blobId: gitHash(file.content) };
        return file.large
          ? { ...base, lfs: { sha256: sha256(file.content), size: file.content.length, pointerSize: 134 } }
          : base;
      });
      const body = Buffer.from(JSON.stringify({ id: this.repo, sha: this.commit, siblings }));
      return void this.send(response, asked, body, { "content-type": "application/json" });
    }
    const prefix = `/${this.repo}/resolve/${this.commit}/`;
    const file = this.files.get(decodeURIComponent(url.pathname.slice(prefix.length)));
    if (!url.pathname.startsWith(prefix) || !file)
      return void this.send(response, asked, Buffer.from("Entry not found"), { "x-error-code": "EntryNotFound" }, 404);
    if (!file.large)
      return void this.send(response, asked, file.content, {
        etag: `"${gitHash(file.content)}"`,
        "x-repo-commit": this.commit,
      });
    const hash = sha256(file.content);
    void this.send(
      response,
      asked,
      Buffer.from(`Found. Redirecting to the store`),
      {
        location: `${this.storeUrl}/blob/${hash}?signature=${++this.signature}`,
        etag: `"${gitHash(Buffer.from(hash))}"`,
        "x-linked-etag": `"${hash}"`,
        "x-linked-size": String(file.content.length),
        "x-repo-commit": this.commit,
      },
      302,
    );
  }

  private answerStore(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    const hash = new URL(request.url ?? "", this.storeUrl).pathname.split("/")[2];
    const file = [...this.files.values()].find(({ content }) => sha256(content) === hash);
    if (!file) return void this.send(response, asked, Buffer.from("no such key"), {}, 404);
    void this.send(response, asked, file.content, { etag: '"store-etag"', "accept-ranges": "bytes" });
  }

  private async send(
    response: ServerResponse,
    asked: Asked,
    body: Buffer,
    headers: Record<string, string>,
    status = 200,
  ): Promise<void> {
    const trouble = this.mischief(asked) ?? {};
    await trouble.after;
    if (trouble.status !== undefined) {
      response.writeHead(trouble.status, trouble.headers).end("trouble");
      return;
    }
    let bytes = body;
    let code = status;
    const head = { ...headers, ...trouble.headers };
    const range = /^bytes=(\d+)-(\d+)$/.exec(asked.range ?? "");
    if (range && status === 200 && !trouble.ignoreRange) {
      const start = Number(range[1]);
      const end = Math.min(Number(range[2]) + 1, body.length);
      if (start >= body.length) {
        response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
        return;
      }
      head["content-range"] ??= `bytes ${start}-${end - 1}/${body.length}`;
      bytes = body.subarray(start, end);
      code = 206;
    }
    if (trouble.wrongBytes) bytes = Buffer.from(bytes.map((byte) => byte ^ 0x55));
    if (trouble.shortBy) bytes = bytes.subarray(0, Math.max(0, bytes.length - trouble.shortBy));
    response.writeHead(code, { ...head, "content-length": bytes.length });
    if (asked.method === "HEAD") {
      response.end();
      return;
    }
    const limit = trouble.cutAfter ?? trouble.stallAfter;
    if (limit === undefined || limit >= bytes.length) {
      asked.sent += bytes.length;
      response.end(bytes);
      return;
    }
    const part = bytes.subarray(0, limit);
    asked.sent += part.length;
    // Cut only after the bytes have left, so that the test knows what has arrived.
    response.write(part, () => {
      if (trouble.cutAfter !== undefined) response.destroy();
    });
    if (part.length === 0) response.flushHeaders();
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The name that git gives to a file's content. */
export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** @file A hub on loopback that takes models: repositories, branches, large files in a store, and commits. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sha256 } from "./fake-hub.ts";

interface Answer {
  readonly status?: number;
  readonly body?: object;
}

/** What a commit brought. */
export interface Commit {
  readonly repo: string;
  readonly branch: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

export class FakeUploadHub {
  readonly token = `hf_${"t".repeat(30)}`;
  /** Visibility by name. */
  readonly repos = new Map<string, string | undefined>();
  readonly branches = new Set<string>();
  readonly commits: Commit[] = [];
  /** "METHOD /path" of every request. */
  readonly asked: string[] = [];
  /** Names before the slash that the token may write to. */
  readonly owners = new Set(["me"]);
  endpoint = "";
  private readonly store = new Map<string, Buffer>();
  private server: Server | undefined;

  async start(): Promise<this> {
    this.server = createServer(async (request, response) => this.answer(request, response));
    await new Promise<void>((done) => this.server!.listen(0, "127.0.0.1", done));
    this.endpoint = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => this.server?.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent((request.url ?? "").split("?")[0]!);
    this.asked.push(`${request.method} ${path}`);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const stored = /^\/store\/(\w+)$/.exec(path)?.[1];
    if (stored) {
      const good = sha256(bytes) === stored;
      if (good) this.store.set(stored, bytes);
      response.writeHead(good ? 200 : 400).end();
      return;
    }
    const known = request.headers.authorization === `Bearer ${this.token}`;
    const { status = 200, body = {} } = known
      ? this.api(request.method!, path, bytes)
      : { status: 401, body: { error: "Invalid credentials" } };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  private api(method: string, path: string, bytes: Buffer): Answer {
    if (path === "/api/repos/create") {
      const { name, organization, visibility } = JSON.parse(bytes.toString());
      const repo = `${organization}/${name}`;
      if (!this.owners.has(organization)) return { status: 403, body: { error: "You don't have the rights" } };
      if (this.repos.has(repo)) return { status: 409, body: { error: "You already created this model repo" } };
      this.repos.set(repo, visibility);
      return { body: { url: `${this.endpoint}/${repo}`, id: repo } };
    }
    const [, repo, verb, branch = ""] =
      /^\/(?:api\/models\/)?([^/]+\/[^/.]+)(?:\/(\w+)\/(.+)|\.git\/info\/lfs\/objects\/batch)?$/.exec(path) ?? [];
    if (!repo || !this.repos.has(repo)) return { status: 404, body: { error: "Repository not found" } };
    if (method === "GET") return { body: { id: repo } };
    if (verb === "branch") {
      if (this.branches.has(`${repo}@${branch}`)) return { status: 409, body: { error: "Reference already exists" } };
      this.branches.add(`${repo}@${branch}`);
      return {};
    }
    if (verb === "preupload") {
      const { files } = JSON.parse(bytes.toString()) as { files: { path: string }[] };
      const modes = files.map(({ path: file }) => ({
        path: file,
        uploadMode: file.endsWith(".safetensors") ? "lfs" : "regular",
      }));
      return { body: { files: modes } };
    }
    if (verb === "commit") return this.commit(repo, branch, bytes);
    const { objects } = JSON.parse(bytes.toString()) as { objects: { oid: string; size: number }[] };
    const actions = (oid: string) => ({ upload: { href: `${this.endpoint}/store/${oid}` } });
    return { body: { transfer: "basic", objects: objects.map((o) => ({ ...o, actions: actions(o.oid) })) } };
  }

  private commit(repo: string, branch: string, bytes: Buffer): Answer {
    const files = new Map<string, Buffer>();
    for (const line of bytes.toString().split("\n")) {
      const { key, value } = JSON.parse(line);
      if (key === "file") files.set(value.path, Buffer.from(value.content, value.encoding ?? "base64"));
      if (key !== "lfsFile") continue;
      const content = this.store.get(value.oid);
      if (!content) return { status: 400, body: { error: `${value.path} was not uploaded` } };
      files.set(value.path, content);
    }
    this.commits.push({ repo, branch, files });
    return { body: { commitOid: "c".repeat(40), commitUrl: `${this.endpoint}/${repo}/commit/c` } };
  }
}

/** @file The judge's replies by the content of the question, so that no question is paid for twice. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** A line of the file; undefined if it is damaged: its question is asked again. */
function parsed(line: string): { key: string; reply: string } | undefined {
  try {
    const { key, reply } = JSON.parse(line) as { key?: unknown; reply?: unknown };
    return typeof key === "string" && typeof reply === "string" ? { key, reply } : undefined;
  } catch {
    return undefined;
  }
}

/** An append-only file of replies; damaged lines, such as a half-written last one, are ignored. */
export class ReplyCache {
  readonly #path: string | null;
  readonly #replies = new Map<string, string>();

  /** @param path null keeps replies in memory only */
  constructor(path: string | null) {
    this.#path = path;
    if (path === null || !existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
      if (line === "") continue;
      const found = parsed(line);
      if (found) this.#replies.set(found.key, found.reply);
    }
    // The next append must not continue a torn line.
    if (text !== "" && !text.endsWith("\n")) appendFileSync(path, "\n");
  }

  /** @param question everything that the reply depends on */
  static key(question: unknown): string {
    return createHash("sha256").update(JSON.stringify(question)).digest("hex");
  }

  get(key: string): string | undefined {
    return this.#replies.get(key);
  }

  set(key: string, reply: string): void {
    this.#replies.set(key, reply);
    if (this.#path === null) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    appendFileSync(this.#path, `${JSON.stringify({ key, reply })}\n`);
  }
}

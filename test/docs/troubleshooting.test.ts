/** @file The troubleshooting page quotes messages that the sources really have. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(root, "src", name), "utf8"))
  .join("\n");

it("every message and code that it names is in the sources", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  // What a user types into, or reads from, other programs is no message of ours.
  const quoted = rows.flatMap((row) => [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
  const parts = quoted
    .filter((text) => !text.startsWith("--") && !text.startsWith("flashvl "))
    .flatMap((text) => text.split("…"));
  expect(parts.length).toBeGreaterThan(15);
  expect(parts.map((part) => part.trim()).filter((part) => part !== "" && !sources.includes(part))).toEqual([]);
});

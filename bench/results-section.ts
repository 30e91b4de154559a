/** @file Replaces one section of bench/RESULTS.md, so that every benchmark writes its own and leaves the others alone. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RESULTS = fileURLToPath(new URL("RESULTS.md", import.meta.url));
const TITLE = "# Results\n\nEvery section is written by the benchmark that it names.\n";

/**
 * Writes `body` (Markdown with its heading) between the markers of `name`, at the end if they are not there yet.
 * @example writeSection("published-size", "## Published size\n\n...");
 */
export function writeSection(name: string, body: string, file = RESULTS): void {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const section = `${begin}\n${body.trim()}\n${end}`;
  const text = existsSync(file) ? readFileSync(file, "utf8") : TITLE;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  const whole = from >= 0 && to > from;
  const next = whole
    ? text.slice(0, from) + section + text.slice(to + end.length)
    : `${text.trimEnd()}\n\n${section}\n`;
  writeFileSync(`${file}.tmp`, next);
  renameSync(`${file}.tmp`, file);
}

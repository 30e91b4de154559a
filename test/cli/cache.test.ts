/** @file `flashvl cache` lists compiled graphs and removes what no start can use. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { runHere } from "./run-cli.ts";

const TINY = join(import.meta.dirname, "../golden/static-tiny");

it("lists as a table and as JSON, prunes nothing that is current, and everything with --all", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-cache-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const env = { FLASHVL_CACHE: folder };
  const cache = (...args: string[]) => runHere(["cache", ...args], env);
  expect(await cache()).toEqual({ code: 0, stdout: "", stderr: `0 B in ${folder}\n` });
  const { stdout: made } = await runHere(["compile", TINY], env);
  const listed = await cache();
  expect(listed.stdout).toMatch(
    new RegExp(`^current +\\d\\.\\d+ MB +fp32 +flashvl \\S+, onnxruntime \\S+ +${TINY}\n$`),
  );
  const { entries, bytes } = JSON.parse((await cache("--json")).stdout);
  expect(entries).toMatchObject([{ folder: made.trim(), state: "current", bytes, preset: "fp32", checkpoint: TINY }]);
  expect((await cache("--check")).code).toBe(0);
  const vision = join(made.trim(), "vision.onnx");
  const whole = await readFile(vision);
  await writeFile(
    vision,
    whole.map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
  );
  expect(await cache("--check")).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/^damaged /),
    stderr: expect.stringContaining("flashvl cache --check --prune"),
  });
  await writeFile(vision, whole);
  expect(JSON.parse((await cache("--prune", "--json")).stdout)).toEqual({ folder, bytes: 0, removed: [] });
  expect((await cache("--prune", "--all")).stderr).toMatch(/^\d\.\d+ MB removed from /);
  expect(await readdir(join(folder, "compiled"))).toEqual([]);
  expect(await cache("--all")).toMatchObject({ code: 2, stderr: expect.stringContaining("use it with --prune") });
});

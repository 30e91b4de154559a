import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openCheckpoint } from "../../src/hub/index.ts";

const POINTER =
  "version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 13188320\n";

it.each(["model.safetensors", "config.json"])("a Git LFS pointer in place of %s is recognised", async (name) => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-lfs-"));
  try {
    await writeFile(join(folder, "config.json"), "{}");
    await writeFile(join(folder, name), POINTER);
    await expect(openCheckpoint(folder)).rejects.toThrow(
      `${join(folder, name)}: is a Git LFS pointer, which stands for the file. Run "git lfs pull"`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

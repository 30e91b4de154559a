/** @file One model's part of the cache, laid out as Python's huggingface_hub lays it out, so that both share the files. */
import { copyFile, link, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { makeFolder, temporaryBeside, writeWhole } from "../common/node.ts";
import { type HubSystem, realSystem } from "./system.ts";

const COMMIT = /^[0-9a-f]{40}$/;

/** True for a full commit id, which names the same files for ever. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/**
 * Paths of one model in the cache (huggingface_hub/file_download.py):
 * `models--org--name/blobs/<etag>`, `.../snapshots/<commit>/<file>` -> blob, `.../refs/<revision>` holding a commit, `.locks/models--org--name/`.
 *
 * @example new ModelCache("/root/.cache/huggingface/hub", "org/name").snapshot(commit)
 */
export class ModelCache {
  readonly root: string;
  /** Ours alone: Python locks single blobs with flock, which Node does not offer. */
  readonly lockFile: string;

  constructor(
    cacheDir: string,
    repo: string,
    private readonly system: Pick<HubSystem, "symlink"> = realSystem,
  ) {
    const folder = `models--${repo.replace("/", "--")}`;
    this.root = join(cacheDir, folder);
    this.lockFile = join(cacheDir, ".locks", folder, "flashvl.lock");
  }

  blob(etag: string): string {
    return join(this.root, "blobs", etag);
  }

  snapshot(commit: string): string {
    return join(this.root, "snapshots", commit);
  }

  /** The commit that a revision pointed to when it was last asked for, or undefined. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(join(this.root, "refs", revision), "utf8").catch(() => "");
    const commit = text.trim();
    return isCommit(commit) ? commit : undefined;
  }

  /** Remembers which commit a revision points to. */
  async remember(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(revision)) === commit) return;
    const file = join(this.root, "refs", revision);
    await makeFolder(dirname(file));
    await writeWhole(file, commit);
  }

  /** Puts a finished blob into a snapshot under its file name. */
  async link(etag: string, commit: string, path: string): Promise<void> {
    const blob = this.blob(etag);
    const pointer = join(this.snapshot(commit), ...path.split("/"));
    await makeFolder(dirname(pointer));
    // A second process may be linking the same file: build aside, then rename over.
    const temporary = temporaryBeside(pointer);
    try {
      // Not permitted on Windows without developer mode and on some network disks: then a hard link, else a copy.
      await this.system
        .symlink(relative(dirname(pointer), blob), temporary)
        .catch(() => link(blob, temporary))
        .catch(() => copyFile(blob, temporary));
      await rename(temporary, pointer);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** Size of a file, following links; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (info) => (info.isFile() ? info.size : undefined),
    () => undefined,
  );
}

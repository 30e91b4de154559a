/** @file Making folders, and finding one that can be written. */
import { access, constants, lstat, mkdir, mkdtemp, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { note } from "./note.ts";

/**
 * Makes a folder and those above it. Node's own `recursive` says ENOENT when the disk is full; this says what is wrong.
 * @throws the system's error, such as ENOSPC, EACCES, or EEXIST where there is a file of that name
 * @example await makeFolder("runs/a/checkpoints");
 */
export async function makeFolder(path: string): Promise<void> {
  let failure = await tryToMake(path);
  if (failure?.code === "ENOENT" && dirname(path) !== path) {
    await makeFolder(dirname(path));
    failure = await tryToMake(path);
  }
  if (failure) throw failure;
}

/** Undefined when the folder is there afterwards. */
async function tryToMake(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    // EEXIST, or on some systems EROFS or EISDIR.
    return (await isFolder(path)) ? undefined : (error as NodeJS.ErrnoException);
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

const told = new Set<string>();

/**
 * `folder`, made if need be; where that cannot be written (a home that is read-only, or not there), a folder of this
 * user's in the system's temporary one, with a note.
 * @param kind names the folder there
 * @example const cache = await writableFolder("/home/me/.cache/flashvl", "compiled");
 */
export async function writableFolder(folder: string, kind: string): Promise<string> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A full disk is not mended by filling another one.
    if (code === "ENOSPC" || code === "EDQUOT") throw error;
    const instead = await ownTemporaryFolder(kind);
    if (!told.has(folder)) note(`${folder} cannot be written (${code}); using ${instead} instead.`);
    told.add(folder);
    return instead;
  }
}

/** The same folder each time, unless another user got there first: what lies in it is trusted. */
async function ownTemporaryFolder(kind: string): Promise<string> {
  const { uid, username } = userInfo();
  const folder = join(tmpdir(), `flashvl-${kind}-${uid >= 0 ? uid : username}`);
  await mkdir(folder, { mode: 0o700 }).catch(() => {});
  const found = await lstat(folder).catch(() => undefined);
  const isOwn = found?.isDirectory() && (uid < 0 || (found.uid === uid && (found.mode & 0o022) === 0));
  return isOwn ? folder : mkdtemp(`${folder}-`);
}

/** @file Brings all files of one revision into the cache: list, check the room on disk, download what is missing, link, remember. */
import { dirname, join } from "node:path";
import { runPool, Semaphore } from "../common/index.ts";
import { makeFolder, withLock } from "../common/node.ts";
import { type ModelCache, sizeOf } from "./cache-layout.ts";
import { downloadBlob } from "./download-blob.ts";
import { HubError } from "./errors.ts";
import { type Located, listFiles, locateFile, type RemoteFile } from "./hub-api.ts";
import type { Hub } from "./hub-http.ts";
import type { ModelName } from "./model-name.ts";
import { PartialFile } from "./partial-file.ts";
import { wantedFiles } from "./snapshot-files.ts";

/** How far a download is, over all files, counting what was on disk before. */
export interface HubProgress {
  /** The file that moved last. */
  file: string;
  bytes: number;
  totalBytes: number;
  filesDone: number;
  files: number;
}

/** Left free beside the download: a file system that is full to the last block stops other programs too. */
const DISK_RESERVE = 64 * 2 ** 20;

/** A file with what the hub says about it. */
interface Target {
  path: string;
  etag: string;
  size: number;
  /** Known when the listing did not tell enough and the hub had to be asked. */
  located?: Located;
}

/** The answer to "what does this revision hold". */
export interface Listing {
  commit: string;
  files: RemoteFile[];
}

/**
 * Lists a revision and keeps the files that a model needs.
 *
 * @param tries how often network trouble is put up with
 * @throws HubError "not-found" when there is nothing that could be a checkpoint
 */
export async function listModel(hub: Hub, { repo, revision }: ModelName, tries?: number): Promise<Listing> {
  const { commit, files } = await listFiles(hub, repo, revision, tries);
  const chosen = wantedFiles(files.map(({ path }) => path));
  const wanted = files.filter(({ path }) => chosen.has(path));
  const lacks = [
    ...(wanted.some(({ path }) => path === "config.json") ? [] : ["config.json"]),
    ...(wanted.some(({ path }) => path.endsWith(".safetensors")) ? [] : ["model.safetensors"]),
  ];
  if (lacks.length > 0)
    throw new HubError(
      "not-found",
      `${repo}@${revision} holds no ${lacks.join(" and no ")}, so it is not a model that can be read`,
    );
  return { commit, files: wanted };
}

/**
 * Makes the snapshot of a listing whole and returns its folder. One process at a time works on a model; a second one waits
 * and then finds the files there.
 */
export async function downloadModel(
  hub: Hub,
  cache: ModelCache,
  name: ModelName,
  listing: Listing,
  onProgress: (progress: HubProgress) => void = () => {},
): Promise<string> {
  const { commit } = listing;
  const folder = cache.snapshot(commit);
  if (!(await isWhole(folder, listing.files)))
    await withLock(cache.lockFile, { what: `downloading ${name.repo}`, signal: hub.signal }, async () => {
      const targets = await Promise.all(listing.files.map((file) => complete(hub, name.repo, commit, file)));
      await checkDisk(hub, cache, folder, targets, name.repo);
      await fetchAll(hub, cache, name.repo, commit, targets, onProgress);
    });
  // Last, so that a revision never points to a snapshot of ours that lacks files.
  await cache.remember(name.revision, commit);
  return folder;
}

/** True when every file is there with its size. */
async function isWhole(folder: string, files: RemoteFile[]): Promise<boolean> {
  const sizes = await Promise.all(files.map(({ path }) => sizeOf(join(folder, path))));
  return files.every(({ size }, i) => sizes[i] !== undefined && (size === undefined || size === sizes[i]));
}

async function complete(hub: Hub, repo: string, commit: string, { path, etag, size }: RemoteFile): Promise<Target> {
  if (etag !== undefined && size !== undefined) return { path, etag, size };
  const located = await locateFile(hub, repo, commit, path);
  return { path, etag: located.etag, size: located.size, located };
}

async function isDone(cache: ModelCache, folder: string, { path, etag, size }: Target): Promise<boolean> {
  return (await sizeOf(join(folder, path))) === size || (await sizeOf(cache.blob(etag))) === size;
}

/** Refuses to begin what the disk cannot hold. */
async function checkDisk(hub: Hub, cache: ModelCache, folder: string, targets: Target[], repo: string): Promise<void> {
  const needs = await Promise.all(
    targets.map(async (target) =>
      (await isDone(cache, folder, target))
        ? 0
        : target.size - (await PartialFile.bytesOnDisk(cache.blob(target.etag), target.size)),
    ),
  );
  const need = needs.reduce((sum, bytes) => sum + bytes, 0);
  if (need === 0) return;
  await makeFolder(cache.root);
  const free = await hub.system.freeBytes(cache.root);
  if (free < need + DISK_RESERVE)
    throw new HubError(
      "disk-full",
      `${repo} needs ${megabytes(need)} more in ${dirname(cache.root)}, where ${megabytes(free)} are free; make room, or point HF_HUB_CACHE to another disk`,
    );
}

async function fetchAll(
  hub: Hub,
  cache: ModelCache,
  repo: string,
  commit: string,
  targets: Target[],
  onProgress: (progress: HubProgress) => void,
): Promise<void> {
  const connections = new Semaphore(hub.system.connections);
  const progress = {
    bytes: 0,
    totalBytes: targets.reduce((sum, { size }) => sum + size, 0),
    filesDone: 0,
    files: targets.length,
  };
  const report = (file: string, bytes: number, filesDone = 0) => {
    progress.bytes += bytes;
    progress.filesDone += filesDone;
    onProgress({ file, ...progress });
  };
  const folder = cache.snapshot(commit);
  const fetchOne = async (stoppable: Hub, target: Target) => {
    const { path, size } = target;
    if ((await sizeOf(join(folder, path))) === size) return report(path, size, 1);
    if ((await sizeOf(cache.blob(target.etag))) === size) {
      report(path, size);
      await cache.link(target.etag, commit, path);
      return report(path, 0, 1);
    }
    const job = {
      what: `${repo}/${path}`,
      locate: () => locateFile(stoppable, repo, commit, path),
      onBytes: (change: number) => report(path, change),
    };
    const located = target.located ?? (await connections.use(() => job.locate()));
    await cache.link(
      await downloadBlob(stoppable, connections, job, (etag) => cache.blob(etag), located),
      commit,
      path,
    );
    report(path, 0, 1);
  };
  const fetchGroups = (groups: Target[][]) =>
    runPool(groups.length, groups.length, hub.signal, async (i, signal) => {
      for (const target of groups[i]!) await fetchOne({ ...hub, signal }, target);
    });
  // Weights come last: where they are there, the rest is there too, also after a kill.
  const isWeights = ({ path }: Target) => path.endsWith(".safetensors");
  for (const phase of [targets.filter((target) => !isWeights(target)), targets.filter(isWeights)])
    await fetchGroups(sameContent(phase));
}

/** Files with the same content share a blob; only one of them may be downloading it. */
function sameContent(targets: Target[]): Target[][] {
  const groups = new Map<string, Target[]>();
  for (const target of targets) {
    const group = groups.get(target.etag);
    if (group) group.push(target);
    else groups.set(target.etag, [target]);
  }
  return [...groups.values()];
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}

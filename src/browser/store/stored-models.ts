/** @file Which models the browser keeps: a note for each beside the chunks, with its manifest, so that it opens without the network. */
import { type Chunk, checkManifest, filesFor, type WebDevice, type WebManifest } from "../manifest.ts";
import { chunkName } from "./chunk-store.ts";
import { filesOf, overwrite, storageFolder } from "./private-files.ts";
import { StorageError } from "./storage-error.ts";

/** The note. */
export interface StoredNote {
  url: string;
  /** Whose files were asked for. */
  devices: WebDevice[];
  manifest: WebManifest;
}

/** A model in the browser's storage. */
export interface StoredModel {
  url: string;
  name: string;
  preset: string;
  devices: readonly WebDevice[];
  /** Bytes that are there, and bytes that it needs. */
  bytes: number;
  totalBytes: number;
}

/** All chunks of the files that a device needs, each once. */
export function chunksFor(manifest: WebManifest, devices: readonly WebDevice[]): Chunk[] {
  const all = devices.flatMap((device) => filesFor(manifest, device).flatMap((name) => manifest.files[name]!.chunks));
  return [...new Map(all.map((chunk) => [chunk.sha256, chunk])).values()];
}

/** What a model is called in locks, and its note without the ending. */
async function idOf(url: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url)));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Holds a model in this tab until the returned function is called: no tab removes it meanwhile.
 * @example const release = await holdModel(url); ... release();
 */
export async function holdModel(url: string, signal?: AbortSignal): Promise<() => void> {
  const name = `flashvl-model ${await idOf(url)}`;
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve(release));
    navigator.locks.request(name, { mode: "shared", signal }, held).catch(reject);
  });
}

/** The note of a model; undefined where there is none that this version can read. */
export async function readNote(url: string): Promise<StoredNote | undefined> {
  try {
    const file = await (await storageFolder("models")).getFileHandle(`${await idOf(url)}.json`);
    return await parseNote(await file.getFile());
  } catch {
    return undefined;
  }
}

async function parseNote(file: File): Promise<StoredNote> {
  const note = JSON.parse(await file.text()) as StoredNote;
  return { ...note, manifest: checkManifest(note.manifest, note.url) };
}

/** Keeps a note; what an older one had and nothing needs any more is removed. Call it while the model is held. */
export async function writeNote(note: StoredNote): Promise<void> {
  const before = await readNote(note.url);
  const name = `${await idOf(note.url)}.json`;
  await navigator.locks.request("flashvl-notes", async () => {
    const file = await (await storageFolder("models")).getFileHandle(name, { create: true });
    await overwrite(file, new TextEncoder().encode(JSON.stringify(note)));
  });
  if (before) await removeUnneeded(chunksFor(before.manifest, before.devices));
}

/**
 * The models that this browser keeps for this page's origin.
 * @example for (const { name, bytes } of await listStored()) console.log(name, bytes);
 */
export async function listStored(): Promise<StoredModel[]> {
  const notes = await allNotes();
  const sizes = await chunkSizes();
  return notes.map(({ url, devices, manifest }) => {
    const chunks = chunksFor(manifest, devices);
    const sum = (some: readonly Chunk[]) => some.reduce((total, { bytes }) => total + bytes, 0);
    const there = chunks.filter((chunk) => sizes.get(chunkName(chunk)) === chunk.bytes);
    const { name, preset } = manifest;
    return { url, name, preset, devices, bytes: sum(there), totalBytes: sum(chunks) };
  });
}

/**
 * Removes a model from the browser's storage. One that is not there is no error.
 * @param url as it was opened, or as `listStored` says
 * @throws StorageError while a tab has it open
 * @example await removeStored("/models/flashvl-tiny/");
 */
export async function removeStored(url: string): Promise<void> {
  const address = modelAddress(url);
  const id = await idOf(address);
  await navigator.locks.request(`flashvl-model ${id}`, { ifAvailable: true }, async (lock) => {
    if (!lock)
      throw new StorageError(`${address} is open in this tab or another one. Dispose the model there first.`, "in-use");
    const note = await readNote(address);
    const folder = await storageFolder("models");
    await folder.removeEntry(`${id}.json`).catch(() => {});
    if (note) await removeUnneeded(chunksFor(note.manifest, note.devices));
  });
}

/** The address of the folder with the manifest, as notes and locks know it. */
export const modelAddress = (url: string): string => {
  const { href } = new URL(url, globalThis.document?.baseURI ?? globalThis.location.href);
  const folder = href.replace(/[?#].*$/, "").replace(/manifest\.json$/, "");
  return folder.endsWith("/") ? folder : `${folder}/`;
};

/** Removes those of the chunks that no note names. */
async function removeUnneeded(chunks: readonly Chunk[]): Promise<void> {
  const needed = new Set(
    (await allNotes()).flatMap(({ manifest, devices }) => chunksFor(manifest, devices).map(chunkName)),
  );
  const folder = await storageFolder("chunks");
  for (const name of chunks.map(chunkName)) if (!needed.has(name)) await folder.removeEntry(name).catch(() => {});
}

async function allNotes(): Promise<StoredNote[]> {
  const notes: StoredNote[] = [];
  for await (const file of filesOf(await storageFolder("models"))) {
    const note = await file.getFile().then(parseNote, () => undefined);
    if (note) notes.push(note);
  }
  return notes;
}

async function chunkSizes(): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const file of filesOf(await storageFolder("chunks"))) sizes.set(file.name, (await file.getFile()).size);
  return sizes;
}

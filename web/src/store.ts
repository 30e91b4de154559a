/** @file Keeps conversations, pictures included, in the browser's IndexedDB. */
import type { Conversation } from "./types.ts";

const DATABASE = "flashvl";
const STORE = "conversations";

/** Kept conversations; where the browser offers no storage (private windows) they last as long as the page. */
export interface ConversationStore {
  /** Newest first. */
  list(): Promise<Conversation[]>;
  put(conversation: Conversation): Promise<void>;
  remove(id: string): Promise<void>;
}

/**
 * Opens the store.
 *
 * @example const store = await openStore(); await store.put(conversation);
 */
export async function openStore(): Promise<ConversationStore> {
  let database: IDBDatabase;
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    database = await done(request);
  } catch {
    return memoryStore();
  }
  const store = (mode: IDBTransactionMode) => database.transaction(STORE, mode).objectStore(STORE);
  return {
    async list() {
      const all: Conversation[] = await done(store("readonly").getAll());
      return all.sort((a, b) => b.updated - a.updated);
    },
    async put(conversation) {
      await done(store("readwrite").put(conversation));
    },
    async remove(id) {
      await done(store("readwrite").delete(id));
    },
  };
}

const OPENED = "flashvl-opened";

/** The conversation that this tab shows: a reload shows it again. */
export const lastOpened = {
  get: () => sessionStorage.getItem(OPENED),
  set: (id: string) => sessionStorage.setItem(OPENED, id),
};

/** A new, empty conversation. */
export function fresh(): Conversation {
  // Not crypto.randomUUID: browsers offer it on https and localhost only, and this need only be new in this browser.
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return { id, updated: Date.now(), turns: [] };
}

/** The conversation to begin with. An answer that a reload cut off counts as stopped. */
export async function firstConversation(store: ConversationStore): Promise<Conversation> {
  const id = lastOpened.get();
  const conversation = (await store.list()).find((kept) => kept.id === id) ?? fresh();
  for (const turn of conversation.turns) if (turn.role === "assistant") turn.ending ??= "cancelled";
  return conversation;
}

function memoryStore(): ConversationStore {
  const all = new Map<string, Conversation>();
  return {
    list: async () => [...all.values()].sort((a, b) => b.updated - a.updated),
    put: async (conversation) => void all.set(conversation.id, conversation),
    remove: async (id) => void all.delete(id),
  };
}

function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

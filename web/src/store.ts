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

/** @file The door to what rooms share and only Node has: locks, state files, temporary files. */
export { fileHash } from "./node/file-hash.ts";
export { makeFolder, writableFolder } from "./node/make-folder.ts";
export { MissingPackageError, needPackage } from "./node/need-package.ts";
export { note } from "./node/note.ts";
export { type ProcessIdentity, type ProcessState, processState, thisProcess } from "./node/process-identity.ts";
export { acquireLock, isLocked, type Lock, LockedError, type LockOptions, withLock } from "./node/process-lock.ts";
export { startThread } from "./node/start-thread.ts";
export { readState, StateFileError, writeState } from "./node/state-file.ts";
export { removeRemains, temporaryBeside } from "./node/temporary.ts";
export { ThreadPool, type ThreadReply } from "./node/thread-pool.ts";
export { syncFolder, writeWhole } from "./node/write-whole.ts";

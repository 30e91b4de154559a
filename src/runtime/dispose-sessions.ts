/** @file Lets go of the sessions of a model. */
import type { Session } from "./types.ts";

/** Disposes every session once, though graphs may share one. @example await disposeSessions(Object.values(sessions)); */
export async function disposeSessions(sessions: Iterable<Session>): Promise<void> {
  await Promise.all([...new Set(sessions)].map((session) => session.dispose()));
}

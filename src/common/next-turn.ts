/** @file Waiting for the event loop's next turn, in Node and in pages. */

let resolvers: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Pages have no setImmediate, and their timers wait four milliseconds where they follow each other. */
function post(resolve: () => void): void {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const now = resolvers;
      resolvers = [];
      for (const each of now) each();
    };
  }
  resolvers.push(resolve);
  channel.port2.postMessage(undefined);
}

/**
 * Resolves in the event loop's next turn, after what has arrived by now (messages, timers) is dealt with.
 * @example await nextTurn();
 */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else post(resolve);
  });

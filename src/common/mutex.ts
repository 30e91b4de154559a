/** @file Lets one task run at a time, in the order in which they came. */

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when every task before it is done, whether those succeeded or not. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task, task);
    this.#last = result.catch(() => {});
    return result;
  }
}

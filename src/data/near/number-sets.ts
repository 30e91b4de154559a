/** @file Sets of numbers in a file of their own: what all texts together hold does not fit the memory. */

import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";

/** Bytes that are gathered before they are written. */
const GATHERED = 2 ** 22;

/** Sets by a number from 1: 8 bytes each in memory, the rest on disk. */
export class NumberSets {
  readonly #path: string;
  readonly #file: number;
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  #gathered: Uint32Array[] = [];
  #waiting = 0;
  #written = 0;

  /** @param most the largest number that a set is kept under */
  constructor(path: string, most: number) {
    this.#path = path;
    this.#file = openSync(path, "w+");
    this.#starts = new Float64Array(most + 1);
    this.#lengths = new Uint32Array(most + 1);
  }

  add(number: number, set: Uint32Array): void {
    this.#starts[number] = this.#written + this.#waiting;
    this.#lengths[number] = set.length;
    this.#gathered.push(set);
    this.#waiting += set.byteLength;
    if (this.#waiting >= GATHERED) this.#flush();
  }

  get(number: number): Uint32Array {
    if (this.#waiting > 0) this.#flush();
    const set = new Uint32Array(this.#lengths[number]!);
    const bytes = new Uint8Array(set.buffer);
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, this.#starts[number]! + done);
      if (read === 0) throw new Error(`${this.#path} became shorter while it was read; run again.`);
      done += read;
    }
    return set;
  }

  #flush(): void {
    const bytes = Buffer.concat(
      this.#gathered.map((set) => new Uint8Array(set.buffer, set.byteOffset, set.byteLength)),
    );
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#written + done);
    this.#written += bytes.length;
    [this.#gathered, this.#waiting] = [[], 0];
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}

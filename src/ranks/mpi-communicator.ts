/** @file Ranks over MPI. Calls run on a thread, so that JavaScript goes on meanwhile; one at a time, in the order of the calls. */

import type { Communicator } from "./communicator.ts";
import { RanksError } from "./communicator.ts";
import { keepLoaded, loadMpi, type MpiLibrary, TEXT_BYTES } from "./mpi-library.ts";

/** MPI_THREAD_SERIALIZED: calls come from several threads, never two at a time. MPI_THREAD_MULTIPLE is asked for, so that abort may interrupt. */
const SERIALIZED = 2;
const MULTIPLE = 3;
/** MPI's counts are ints. */
const MOST_BYTES = 2 ** 31 - 1;
const FLOAT_BYTES = 4;

/** Memory with something in it: native code gets no pointer to an empty array. */
const solid = <T extends Float32Array | Uint8Array>(array: T): T | Uint8Array =>
  array.length > 0 ? array : new Uint8Array(8);

/** Counts and displacements in bytes. */
function layout(counts: readonly number[], each: number): [counts: Int32Array, starts: Int32Array, total: number] {
  const starts: number[] = [];
  let total = 0;
  for (const count of counts) {
    starts.push(total);
    total += count * each;
  }
  if (total > MOST_BYTES)
    throw new RangeError(`${total} bytes are more than the ${MOST_BYTES} that one message between ranks can have.`);
  return [Int32Array.from(counts, (count) => count * each), Int32Array.from(starts), total];
}

/**
 * Joins the ranks that mpirun has started.
 * @param expected ranks that the launcher says it has started
 * @throws RanksError when MPI is missing, is not the one of the launcher, or takes no calls from threads
 */
export function openMpi(expected: number, mpi: MpiLibrary = loadMpi()): Communicator {
  const int = () => new Int32Array(1);
  const [provided, rank, size, length] = [int(), int(), int(), int()];
  const text = new Uint8Array(TEXT_BYTES);
  mpi.call("MPI_Init_thread", null, null, MULTIPLE, provided);
  mpi.call("MPI_Comm_rank", mpi.world, rank);
  mpi.call("MPI_Comm_size", mpi.world, size);
  mpi.call("MPI_Get_library_version", text, length);
  const library = Buffer.from(text.subarray(0, length[0]))
    .toString()
    .split(/[\n\0]/)[0]!
    .replace(/\s+/g, " ")
    .trim();
  if (size[0] !== expected)
    throw new RanksError(
      `The launcher has started ${expected} ranks, but ${mpi.path} (${library}) knows of ${size[0]}: it is not the MPI of that launcher. ` +
        "Start the job by the mpirun of the same MPI, or name its library in FLASHVL_MPI_LIBRARY.",
    );
  if (provided[0]! < SERIALIZED)
    throw new RanksError(
      `${library} was built without support for threads (level ${provided[0]}, expected ${SERIALIZED}). Install one that has it.`,
    );

  let last: Promise<unknown> = Promise.resolve();
  /** After the call before it, which may have failed: then the job is about to end. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
  const { world, byte } = mpi;

  const gather = async (bytes: Uint8Array): Promise<Uint8Array[]> => {
    const counts = new Int32Array(size[0]!);
    await mpi.callAsync("MPI_Allgather", Int32Array.of(bytes.length), 4, byte, counts, 4, byte, world);
    const [lengths, starts, total] = layout([...counts], 1);
    const all = new Uint8Array(Math.max(1, total));
    await mpi.callAsync("MPI_Allgatherv", solid(bytes), bytes.length, byte, all, lengths, starts, byte, world);
    return [...starts].map((start, r) => all.subarray(start, start + lengths[r]!));
  };

  return {
    rank: rank[0]!,
    size: size[0]!,
    library,
    exchange: (send, sent, receive, received) =>
      inTurn(async () => {
        const [outs, outStarts] = layout(sent, FLOAT_BYTES);
        const [ins, inStarts] = layout(received, FLOAT_BYTES);
        const to = [solid(send), outs, outStarts, byte] as const;
        await mpi.callAsync("MPI_Alltoallv", ...to, solid(receive), ins, inStarts, byte, world);
      }),
    share: (own, all, counts) =>
      inTurn(async () => {
        const [lengths, starts] = layout(counts, FLOAT_BYTES);
        const mine = lengths[rank[0]!]!;
        await mpi.callAsync("MPI_Allgatherv", solid(own), mine, byte, solid(all), lengths, starts, byte, world);
      }),
    gather: (bytes) => inTurn(() => gather(bytes)),
    broadcast: (bytes) =>
      inTurn(async () => {
        const known = Float64Array.of(bytes?.length ?? 0);
        await mpi.callAsync("MPI_Bcast", known, known.byteLength, byte, 0, world);
        layout([known[0]!], 1);
        const data = rank[0] === 0 ? (bytes ?? new Uint8Array()) : new Uint8Array(known[0]!);
        await mpi.callAsync("MPI_Bcast", solid(data), known[0]!, byte, 0, world);
        return data;
      }),
    barrier: () => inTurn(() => mpi.callAsync("MPI_Barrier", world)),
    abort: (code) => mpi.call("MPI_Abort", world, code),
    close: () =>
      inTurn(async () => {
        keepLoaded();
        mpi.call("MPI_Finalize");
      }),
  };
}

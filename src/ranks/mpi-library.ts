/** @file Finds the system's MPI and binds what we call of it. Open MPI's handles are addresses of its symbols, MPICH's are numbers. */

import { existsSync, readFileSync } from "node:fs";
import { koffi } from "../runtime/ort/index.ts";
import { RanksError } from "./communicator.ts";

type Argument = bigint | number | ArrayBufferView | null;
type NativeFunction = ((...args: Argument[]) => number) & { async: (...args: unknown[]) => void };

type LibraryHandle = ReturnType<typeof koffi.load>;

/** MPI, loaded. */
export interface MpiLibrary {
  readonly path: string;
  /** MPI_COMM_WORLD and MPI_BYTE. */
  readonly world: Argument;
  readonly byte: Argument;
  /** Calls a function. @throws RanksError with MPI's text where it fails */
  call(name: MpiFunction, ...args: Argument[]): void;
  /** The same on a thread of its own; the arguments are kept alive until it is done. */
  callAsync(name: MpiFunction, ...args: Argument[]): Promise<void>;
}

/** Arguments of each function: p a pointer, i an int, c and d the handles of a communicator and of a datatype. MPI standard 3.1. */
const FUNCTIONS = {
  MPI_Init_thread: "ppip",
  MPI_Comm_rank: "cp",
  MPI_Comm_size: "cp",
  MPI_Get_library_version: "pp",
  MPI_Error_string: "ipp",
  MPI_Alltoallv: "pppdpppdc",
  MPI_Allgather: "pidpidc",
  MPI_Allgatherv: "pidpppdc",
  MPI_Bcast: "pidic",
  MPI_Barrier: "c",
  MPI_Abort: "ci",
  MPI_Finalize: "",
} as const;
export type MpiFunction = keyof typeof FUNCTIONS;

/** mpi.h of MPICH, whose ABI Intel MPI, MVAPICH and Cray MPT share. */
const MPICH = { world: 0x44000000, byte: 0x4c00010d };

const OPEN_MPI = ["libmpi.so.40", "libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib"];
const LIKE_MPICH = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib", "/opt/homebrew/lib/libmpi.12.dylib"];

const ADVICE =
  "Install Open MPI (Debian, Ubuntu: apt install openmpi-bin; Fedora: dnf install openmpi; macOS: brew install open-mpi) or MPICH " +
  "(apt install mpich), the same on every machine, or name the library in FLASHVL_MPI_LIBRARY.";

/** Names to try, those of the MPI whose mpirun has started this process first. */
function candidates(env: NodeJS.ProcessEnv): string[] {
  if (env.FLASHVL_MPI_LIBRARY) return [env.FLASHVL_MPI_LIBRARY];
  const ours = (name: string) => name.includes(".dylib") === (process.platform === "darwin");
  const families =
    env.OMPI_COMM_WORLD_SIZE === undefined && env.PMI_SIZE ? [LIKE_MPICH, OPEN_MPI] : [OPEN_MPI, LIKE_MPICH];
  return families.flat().filter(ours);
}

/**
 * Loads the library.
 * @throws RanksError naming what was tried and what to install
 */
export function loadMpi(env: NodeJS.ProcessEnv = process.env): MpiLibrary {
  const failures: string[] = [];
  for (const path of candidates(env))
    try {
      // Open MPI loads plugins that look for its symbols among the global ones.
      return bind(path, koffi.load(path, { global: true }));
    } catch (error) {
      failures.push(`${path}: ${(error as Error).message.split("\n")[0]}`);
    }
  throw new RanksError(`No MPI library can be loaded (${failures.join("; ")}). ${ADVICE}`);
}

/** RTLD_NOW, RTLD_NOLOAD and RTLD_NODELETE of glibc: what is loaded already is never unloaded. */
const STAY = 0x2 | 0x4 | 0x1000;

/**
 * Keeps the libraries of MPI loaded until the process ends, to be called before MPI_Finalize, which unloads Open MPI's plugins.
 * The threads that calls ran in still hold a plugin's function, which they call when they end: with the plugin for TCP gone,
 * that ended every job over TCP in a segmentation fault. Does nothing where there is no Linux.
 */
export function keepLoaded(): void {
  if (!existsSync("/proc/self/maps")) return;
  const mapped = readFileSync("/proc/self/maps", "utf8").matchAll(/\/\S*\/(?:mca_|libmpi|libopen-|libevent)[^/\s]*$/gm);
  const open = koffi.load(null).func("dlopen", "void *", ["str", "int"]);
  for (const path of new Set(Array.from(mapped, ([found]) => found))) open(path, STAY);
}

function symbolOf(library: LibraryHandle, name: string): bigint | undefined {
  try {
    return koffi.address(library.symbol(name));
  } catch {
    return undefined;
  }
}

function bind(path: string, library: LibraryHandle): MpiLibrary {
  const world = symbolOf(library, "ompi_mpi_comm_world");
  const byte = symbolOf(library, "ompi_mpi_byte");
  const open = world !== undefined && byte !== undefined;
  const types = { p: "void *", i: "int", c: open ? "void *" : "int", d: open ? "void *" : "int" };
  const functions = new Map<string, NativeFunction>();
  for (const [name, args] of Object.entries(FUNCTIONS))
    functions.set(
      name,
      library.func(
        name,
        "int",
        [...args].map((arg) => types[arg as keyof typeof types]),
      ) as unknown as NativeFunction,
    );
  const check = (name: MpiFunction, code: number): void => {
    if (code !== 0) throw new RanksError(`${name} failed: ${textOf(functions.get("MPI_Error_string")!, code)}.`);
  };
  return {
    path,
    world: open ? world : MPICH.world,
    byte: open ? byte : MPICH.byte,
    call: (name, ...args) => check(name, functions.get(name)!(...args)),
    async callAsync(name, ...args) {
      const code = await new Promise<number>((resolve, reject) => {
        functions.get(name)!.async(...args, (error: Error | null, result: number) => {
          // Naming `args` here keeps the memory behind them alive until the call has returned.
          if (error) reject(error);
          else resolve(args.length >= 0 ? result : 0);
        });
      });
      check(name, code);
    },
  };
}

/** Room for what MPI writes of a text: more than MPI_MAX_ERROR_STRING and MPI_MAX_LIBRARY_VERSION_STRING of any. */
export const TEXT_BYTES = 16384;

function textOf(errorString: NativeFunction, code: number): string {
  const [text, length] = [new Uint8Array(TEXT_BYTES), new Int32Array(1)];
  errorString(code, text, length);
  return Buffer.from(text.subarray(0, length[0])).toString() || `error ${code}`;
}

/** @file The KV cache of a decoder, in the memory of the device it runs on. */
import { type CacheType, cacheNames, type DecoderConfig } from "../../model/index.ts";
import type { Runtime, Session } from "../../runtime/index.ts";
import { HostKvCache } from "./host-kv-cache.ts";
import { type CacheSize, COPIED, IN_PLACE, type KvCache } from "./kv-cache.ts";

/** What a decoder graph takes the KV cache in. */
export const cacheType = (session: Session): CacheType =>
  session.inputs.find(({ name }) => name === cacheNames(0).pastKey)!.dtype as CacheType;

/**
 * An empty cache.
 * @param most longest sequence ever stored, and most sequences at a time
 * @example const cache = await openKvCache(runtime, config.decoder, sessions.decode, { slots: 4, capacity: 4096 });
 */
export async function openKvCache(
  runtime: Runtime,
  config: DecoderConfig,
  decoder: Session,
  most: CacheSize,
): Promise<KvCache> {
  const dtype = cacheType(decoder);
  if (decoder.device === "cpu")
    return new HostKvCache(config, most.capacity, most.slots, dtype, decoder.inPlace ? IN_PLACE : COPIED);
  // It writes graphs of its own; pages that run on the CPU do without the code for that.
  const { DeviceKvCache } = await import("./device-kv-cache.ts");
  return DeviceKvCache.open(runtime, config, decoder, most, dtype);
}

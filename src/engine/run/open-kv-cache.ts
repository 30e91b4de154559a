/** @file The KV cache of a decoder, in the memory of the device it runs on. */
import { type CacheType, cacheNames, type DecoderConfig } from "../../model/index.ts";
import type { Session } from "../runtime/index.ts";
import { DeviceKvCache } from "./device-kv-cache.ts";
import { HostKvCache } from "./host-kv-cache.ts";
import type { CacheSize, KvCache } from "./kv-cache.ts";

/** What a decoder graph takes the KV cache in. */
export const cacheType = (session: Session): CacheType =>
  session.inputs.find(({ name }) => name === cacheNames(0).pastKey)!.dtype as CacheType;

/**
 * An empty cache.
 * @param most longest sequence ever stored, and most sequences at a time
 * @example const cache = await openKvCache(config.decoder, sessions.decode, { slots: 4, capacity: 4096 });
 */
export async function openKvCache(config: DecoderConfig, decoder: Session, most: CacheSize): Promise<KvCache> {
  const dtype = cacheType(decoder);
  if (decoder.device === "cpu") return new HostKvCache(config, most.capacity, most.slots, dtype);
  return DeviceKvCache.open(config, decoder, most, dtype);
}

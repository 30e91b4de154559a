/** @file Keeps requests away from addresses that are not on the public internet (server-side request forgery). */
import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { InputError } from "../input-error.ts";

/** Finds every address of a host name. */
export type ResolveHost = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface AddressRules {
  /** Load from private, loopback, link-local and other reserved addresses too. Default false. */
  allowPrivateAddresses?: boolean;
  /** Replaces the system's name lookup. */
  resolveHost?: ResolveHost;
}

/** Whether an address belongs to the public internet; what cannot be read as an address does not. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // process() unwraps IPv4 inside IPv6; "unicast" is what is left when every special range is taken away.
  return ipaddr.process(address).range() === "unicast";
}

/** The addresses themselves are kept out of the message: it may be shown to whoever sent the URL. */
function refusal(host: string): InputError {
  return new InputError(
    "refused",
    `${host} does not point to a public address only. Images are not loaded from private, local or reserved ` +
      "addresses unless allowPrivateAddresses is set.",
  );
}

/**
 * Refuse a host that is written as an address and is not public: such a host is connected to without any lookup.
 *
 * @param host as `URL.hostname` gives it, IPv6 in brackets
 */
export function checkLiteralAddress(host: string, { allowPrivateAddresses = false }: AddressRules): void {
  const literal = host.replace(/^\[|\]$/g, "");
  if (!allowPrivateAddresses && ipaddr.isValid(literal) && !isPublicAddress(literal)) throw refusal(host);
}

/**
 * A lookup for `node:http` that hands on addresses only after checking all of them. The connection goes to an address
 * from this very answer, so a name server that answers differently a second time (DNS rebinding) gains nothing.
 */
export function guardedLookup({
  allowPrivateAddresses = false,
  resolveHost = dnsLookup,
}: AddressRules): LookupFunction {
  const allowed = ({ address }: LookupAddress): boolean => allowPrivateAddresses || isPublicAddress(address);
  return (host, options, callback) => {
    resolveHost(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [], 0);
      if (addresses.length === 0 || !addresses.every(allowed)) {
        return callback(refusal(host), [], 0);
      }
      if (options.all) return callback(null, addresses);
      return callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

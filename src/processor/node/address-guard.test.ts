// Only addresses of the public internet count as public.
import { expect, test } from "vitest";
import { isPublicAddress } from "./address-guard.ts";

test.each(["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2001:4860:4860::8888", "::ffff:8.8.8.8"])(
  "%s is public",
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each([
  ["this host", "0.0.0.0"],
  ["loopback", "127.0.0.1"],
  ["loopback", "127.255.255.254"],
  ["private", "10.1.2.3"],
  ["private", "172.16.0.1"],
  ["private", "192.168.1.1"],
  ["link-local, where clouds keep credentials", "169.254.169.254"],
  ["carrier-grade NAT", "100.64.0.1"],
  ["documentation", "192.0.2.1"],
  ["benchmarks", "198.18.0.1"],
  ["multicast", "224.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["unique local", "fd00::1"],
  ["link-local", "fe80::1"],
  ["link-local with its zone", "fe80::1%eth0"],
  ["site-local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["private inside IPv6", "::ffff:10.0.0.1"],
  ["loopback inside IPv6, old style", "::127.0.0.1"],
  ["private behind NAT64", "64:ff9b::a00:1"],
  ["loopback behind 6to4", "2002:7f00:1::"],
  ["Teredo", "2001:0::1"],
  ["no address", "localhost"],
  ["no address", ""],
])("%s: %s is not", (_, address) => expect(isPublicAddress(address)).toBe(false));

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = readonly [Address, number]

/** How an IPv4 address stands in IPv6 (RFC 4291 §2.5.5.2): `::ffff:0:0/96`. */
const mappedPrefixBits = 96

/**
 * Reads a range in CIDR form, or one address.
 * @returns its one canonical text: IPv6 as RFC 5952 has it, no bit set behind the prefix, an IPv4 range that was written
 * mapped into IPv6 as IPv4; `undefined` where it is neither
 */
export function canonicalAddressRange(text: string): string | undefined {
  const range = parseRange(text)
  if (range === undefined) return undefined
  const [address, bits] = range
  return `${address.kind() === 'ipv4' ? address.toString() : (address as ipaddr.IPv6).toRFC5952String()}/${bits}`
}

/**
 * Makes the question whether an address lies in one of these ranges. An IPv4 address that comes mapped into IPv6, as it
 * does on a socket that takes both, is the IPv4 address: IPv6 ranges, `::/0` too, say nothing about it.
 * @param ranges each as {@link canonicalAddressRange} writes it
 * @throws TypeError where one is not
 */
export function addressMatcher(ranges: readonly string[]): (remoteAddress: string | undefined) => boolean {
  const parsed = ranges.map((text) => {
    const range = parseRange(text)
    if (range === undefined) throw new TypeError('a range that is not canonical')
    return range
  })
  return (remoteAddress) => {
    // A connection that was reset meanwhile has no address any more: nobody is there to be let in.
    if (remoteAddress === undefined || !isPlainIp(remoteAddress)) return false
    const address = ipaddr.process(remoteAddress)
    return parsed.some(([from, bits]) => from.kind() === address.kind() && isWithin(address, from, bits))
  }
}

function isWithin(address: Address, from: Address, bits: number): boolean {
  return address.kind() === 'ipv4'
    ? (address as ipaddr.IPv4).match(from, bits)
    : (address as ipaddr.IPv6).match(from, bits)
}

function parseRange(text: string): Range | undefined {
  const match = /^([0-9a-fA-F:.]{2,45})(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text)
  const [, host = ''] = match ?? []
  if (!isPlainIp(host)) return undefined
  const address = ipaddr.parse(host)
  const bitsMax = address.kind() === 'ipv4' ? 32 : 128
  const bits = match?.[2] === undefined ? bitsMax : Number(match[2])
  if (bits > bitsMax) return undefined
  if (address.kind() === 'ipv4' || !(address as ipaddr.IPv6).isIPv4MappedAddress() || bits < mappedPrefixBits) {
    return [networkOf(address, bits), bits]
  }
  const ownBits = bits - mappedPrefixBits
  return [networkOf((address as ipaddr.IPv6).toIPv4Address(), ownBits), ownBits]
}

/** IPv6 that ends like IPv4; a socket writes none but mapped addresses so. */
const mixed = /:.*\./
const mapped = /^::ffff:[0-9.]+$/i

/**
 * Four decimal parts, or IPv6 without a zone. ipaddr.js would also take `0x7f.1`, which people read as something else, and
 * takes `::192.0.2.7` for the mapped form that it is not (RFC 4291 §2.5.5.1).
 */
function isPlainIp(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%') && (!mixed.test(text) || mapped.test(text))
}

function networkOf(address: Address, bits: number): Address {
  const bytes = address.toByteArray().map((byte, at) => byte & maskOf(bits - at * 8))
  return ipaddr.fromByteArray(bytes)
}

/** @returns a byte whose first `bits` bits are set */
function maskOf(bits: number): number {
  if (bits >= 8) return 0xff
  return bits <= 0 ? 0 : (0xff00 >> bits) & 0xff
}

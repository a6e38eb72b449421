import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * The network that counts as one: an IPv4 address, also where it came mapped into IPv6, and of an IPv6 address its /64,
 * which a subscriber is given whole (RFC 6177): whoever has one address of it has them all.
 * @returns it as bans are written (`parseBanNetwork`), or `undefined` where that is no address
 */
export function networkOf(address: string): string | undefined {
  if (isIPv4(address)) return `${address}/32`
  if (!ipaddr.isValid(address)) return undefined
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return `${parsed.toString()}/32`
  const bytes = parsed.toByteArray()
  const groups = [0, 2, 4, 6].map((at) => ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)).toString(16))
  return `${groups.join(':')}::/64`
}

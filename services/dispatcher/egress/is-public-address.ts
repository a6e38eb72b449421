import ipaddr from 'ipaddr.js'

/** The only IPv6 space that IANA has given out as global unicast; all else is special or not assigned. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** RFC 5214 §6.1: interface identifiers that carry an IPv4 address inside an ordinary-looking prefix. */
const isatapMarkers = [0x0000, 0x0200]
const isatapIdentifier = 0x5efe

/**
 * Says whether an IP address is an ordinary public one. What carries another address inside (IPv4-mapped,
 * IPv4-compatible, NAT64, 6to4, Teredo, ISATAP) is not: a translator on the way would unpack it.
 */
export function isPublicAddress(text: string): boolean {
  // The library reads octal and abbreviated forms too; a resolver never gives them, so they are somebody's trick.
  if (text.includes('%') || !(ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text))) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  if (!(address instanceof ipaddr.IPv6)) return true
  const [, , , , marker = 0, identifier = 0] = address.parts
  const isIsatap = identifier === isatapIdentifier && isatapMarkers.includes(marker)
  return address.match(globalUnicast) && !isIsatap
}

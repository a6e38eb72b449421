import ipaddr from 'ipaddr.js'

/** Ranges in which no payment network's production lives, whoever names them. */
const ownMachineRanges = new Set(['loopback', 'unspecified', 'linkLocal', 'broadcast', 'multicast'])

/** Whether a host of a URL, in brackets or not, is this machine or its link. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  if (!ipaddr.isValid(bare)) return false
  // `process` unwraps an IPv4 address that is mapped into IPv6, which would else look like an ordinary one.
  return ownMachineRanges.has(ipaddr.process(bare).range())
}

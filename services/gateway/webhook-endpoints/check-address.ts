import ipaddr from 'ipaddr.js'
import { Fault } from '@ngome/kernel'

/**
 * Refuses, early and by its text alone, an address that webhooks could never go to. The dispatcher resolves and checks
 * again at each sending; this answer only saves the merchant from learning it from missing webhooks.
 * @param allowed `host:port` that the operator allows by name although private or plain HTTP
 * @returns the address in its one spelling
 * @throws Fault `webhooks/address_refused`
 */
export function checkAddress(text: string, allowed: readonly string[]): string {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw refused('not an address')
  if (url.username !== '' || url.password !== '') throw refused('a password in an address ends up in logs')
  if (url.hash !== '') throw refused('a fragment is never sent')
  const port = url.port === '' ? defaultPorts[url.protocol] : url.port
  if (allowed.includes(`${url.hostname}:${port}`)) return url.href
  if (url.protocol !== 'https:') throw refused('plain HTTP')
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (ipaddr.isValid(literal)) {
    // `process` unwraps IPv4-mapped IPv6, which would otherwise reach private addresses by another spelling.
    if (ipaddr.process(literal).range() !== 'unicast') throw refused('an address that is not public')
  } else if (!isPublicName(url.hostname)) {
    throw refused('a name that no public resolver knows')
  }
  return url.href
}

const defaultPorts: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' }
/** Names that never leave a machine or a house (RFC 6761 §6, RFC 6762 §3, RFC 8375, ICANN's `internal`). */
const privateNames = /(?:^|\.)(?:localhost|local|internal|home\.arpa|test|invalid|onion|lan|intranet|corp|home)\.?$/

function isPublicName(name: string): boolean {
  return name.includes('.') && !privateNames.test(name)
}

function refused(why: string): Fault {
  return new Fault('webhooks/address_refused', why, { fields: [{ pointer: '/url', detail: `This is ${why}.` }] })
}

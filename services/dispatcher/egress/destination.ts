import { Fault } from '@ngome/kernel'

/** Where a request goes, taken apart once; whoever connects uses these parts and never the text again. */
export type Destination = {
  readonly protocol: 'http:' | 'https:'
  /** Lower case, in the URL standard's canonical form: IPv4 as four decimal numbers, IPv6 in brackets. */
  readonly host: string
  readonly port: number
  /** Path and query, as they are sent. */
  readonly path: string
}

/** Longer than any address that we take in, so that a longer one is a mistake or an attack. */
const urlCharactersMax = 2048
/** Below this live services that were never meant for HTTP (mail, databases' well-known ports); 443 is the exception. */
const unprivilegedPortMin = 1024
const httpsPort = 443
export const httpPort = 80

/**
 * Takes an address apart.
 * @throws Fault `egress/refused` where it says something that a request to a plain host has no use for
 */
export function parseDestination(text: string): Destination {
  if (text.length > urlCharactersMax) throw refused('an address longer than any that we take in')
  const url = URL.parse(text)
  if (url === null) throw refused('an address that does not parse')
  const { protocol, hostname } = url
  if (protocol !== 'https:' && protocol !== 'http:') throw refused('a scheme other than http and https')
  if (url.username !== '' || url.password !== '') throw refused('an address with user information')
  if (url.hash !== '') throw refused('an address with a fragment')
  // "localhost." and "localhost" are one host and two names; a list of names must not be passed by on the other side.
  if (hostname === '' || hostname.endsWith('.')) throw refused('a host that is empty or ends in a full stop')
  const port = url.port === '' ? (protocol === 'https:' ? httpsPort : httpPort) : Number(url.port)
  return { protocol, host: hostname, port, path: url.pathname + url.search }
}

/** `host:port`, the form in which the operator allows a destination by name. */
export function nameOf({ host, port }: Destination): string {
  return `${host}:${port}`
}

export function isUsualPort(port: number): boolean {
  return port === httpsPort || port >= unprivilegedPortMin
}

export function refused(why: string): Fault {
  return new Fault('egress/refused', `egress refused: ${why}`)
}

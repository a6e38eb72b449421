import { isIP } from 'node:net'

/** Where something listens. */
export type Endpoint = { readonly name: string; readonly host: string; readonly port: number }

/** The name in SNI and in the certificate; an address has no SNI (RFC 6066 §3). */
export function tlsName(name: string): { servername?: string } {
  return isIP(name) === 0 ? { servername: name } : {}
}

export function addressOf({ name, host, port }: Endpoint): string {
  return `${name} (${host}:${port})`
}

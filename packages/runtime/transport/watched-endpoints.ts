import type { Config } from '../config/schema.ts'
import type { Endpoint } from './endpoint.ts'

/** Where clients reach the public API, as configured: the name is theirs, and is looked up at each connection. */
export function watchedEndpoints({ watched }: Config['gateway']['tls']): (Endpoint & { readonly address: string })[] {
  return watched.map((address) => {
    const at = address.lastIndexOf(':')
    const name = address.slice(0, at).replace(/^\[|\]$/g, '')
    return { address, name, host: name, port: Number(address.slice(at + 1)) }
  })
}

import type { Config } from '../config/schema.ts'
import type { Endpoint } from './endpoint.ts'
import { hostAndPort } from './host-and-port.ts'

/** Where clients reach the public API, as configured: the name is theirs, and is looked up at each connection. */
export function watchedEndpoints({ watched }: Config['gateway']['tls']): (Endpoint & { readonly address: string })[] {
  return watched.map((address) => {
    const { host, port } = hostAndPort(address)
    return { address, name: host, host, port }
  })
}

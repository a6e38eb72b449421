import { publicRoots, type Config } from '@ngome/runtime'
import type { Target } from '@ngome/verify'

/** Where clients reach the public API, and what they trust; names are looked up at each connection. */
export function publicTransport({ gateway: { tls } }: Config, authority: string): Target['publicTransport'] {
  return {
    addresses: tls.watched.map((address) => {
      const at = address.lastIndexOf(':')
      const name = address.slice(0, at).replace(/^\[|\]$/g, '')
      return { name, host: name, port: Number(address.slice(at + 1)) }
    }),
    checkEveryMs: tls.checkEveryS * 1_000,
    roots: publicRoots(tls, authority),
  }
}

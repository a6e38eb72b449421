import { publicRoots, watchedEndpoints, type Config } from '@ngome/runtime'
import type { Target } from '@ngome/verify'

/** Where clients reach the public API, and what they trust. */
export function publicTransport({ gateway: { tls } }: Config, authority: string): Target['publicTransport'] {
  return { addresses: watchedEndpoints(tls), checkEveryMs: tls.checkEveryS * 1_000, roots: publicRoots(tls, authority) }
}

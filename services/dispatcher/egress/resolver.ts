import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Finds every address of a host name. Asked once for each request; what it answered is what is connected to. */
export type Resolver = (host: string) => Promise<readonly string[]>

/** Longer than a healthy resolver ever takes, short enough to leave most of a request's time for the request. */
const resolveTimeoutMs = 5_000

/** The machine's own resolver, hosts file included. */
export const systemResolver: Resolver = async (host) => {
  const giveUp = new AbortController()
  const timedOut = sleep(resolveTimeoutMs, undefined, { signal: giveUp.signal, ref: false })
    .then(() => { throw new Error('the resolver did not answer in time') })
  // The sleep rejects when it is cancelled after a lookup won the race; nobody waits for it then.
  timedOut.catch(() => undefined)
  try {
    const found = await Promise.race([lookup(host, { all: true, order: 'verbatim' }), timedOut])
    return found.map(({ address }) => address)
  } finally {
    giveUp.abort()
  }
}

import { lookup, Resolver as NameServers } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Finds every address of a host name. Asked once for each request; what it answered is what is connected to. */
export type Resolver = (host: string) => Promise<readonly string[]>

/** Longer than a healthy resolver ever takes, short enough to leave most of a request's time for the request. */
const resolveTimeoutMs = 5_000
/** The first question's time; c-ares asks the next name server, or asks again, with more. */
const questionTimeoutMs = 1_500
const questionsMax = 2

/** RFC 6761 §6.3: never a question to a name server. */
const loopback = ['127.0.0.1', '::1'] as const

/**
 * The machine's own resolver, hosts file included, for names that the operator chose. It waits in one of the few
 * threads that all of the process shares, so that no name of a merchant's may be given to it.
 */
export const systemResolver: Resolver = async (host) => {
  const found = await inTime(lookup(host, { all: true, order: 'verbatim' }))
  return found.map(({ address }) => address)
}

/**
 * Asks the name servers alone, without a thread: names that merchants chose may be slow by the thousand, and hold up
 * nobody else's.
 * @param servers `host:port` of the name servers; without, those of the machine
 */
export function nameServerResolver(servers?: readonly string[]): Resolver {
  return async (host) => {
    if (host === 'localhost' || host.endsWith('.localhost')) return loopback
    // One for each name, so that giving up on it gives up on nothing else.
    const nameServers = new NameServers({ timeout: questionTimeoutMs, tries: questionsMax })
    if (servers !== undefined) nameServers.setServers(servers)
    try {
      const answers = await inTime(Promise.allSettled([nameServers.resolve4(host), nameServers.resolve6(host)]))
      const addresses = answers.flatMap((answer) => answer.status === 'fulfilled' ? answer.value : [])
      if (addresses.length === 0) throw new Error('the name has no address')
      return addresses
    } finally {
      nameServers.cancel()
    }
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const giveUp = new AbortController()
  const timedOut = sleep(resolveTimeoutMs, undefined, { signal: giveUp.signal, ref: false })
    .then(() => { throw new Error('the resolver did not answer in time') })
  // The sleep rejects when it is cancelled after a lookup won the race; nobody waits for it then.
  timedOut.catch(() => undefined)
  try {
    return await Promise.race([answer, timedOut])
  } finally {
    giveUp.abort()
  }
}

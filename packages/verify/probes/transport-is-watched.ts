import { setTimeout as sleep } from 'node:timers/promises'
import { tlsObservationSchema, type TlsObservation } from '@ngome/contracts'
import type { Clock } from '@ngome/kernel'
import { addressOf, chainOf, type Endpoint, handshake, spkiPin, tlsName } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

/** How late a look may be: the process that looks was perhaps being restarted. */
const latenessMsMax = 300_000
/** A platform that has just started has not looked yet. */
const firstLookMsMax = 45_000
const askAgainMs = 1_000

export type WatchedTransport = {
  readonly auditor: Auditor
  readonly clock: Pick<Clock, 'nowMs'>
  readonly publicTransport: {
    /** Where clients reach the public API; `name` is the name that they use. */
    readonly addresses: readonly Endpoint[]
    readonly checkEveryMs: number
    /** What clients trust, PEM. */
    readonly roots: readonly string[]
  }
}
type Row = { readonly verdict: string; readonly checked_at: Date; readonly findings: readonly string[]; readonly observed: unknown }

export const transportIsWatched: Probe<WatchedTransport> = {
  id: 'transport-is-watched',
  source: import.meta.filename,
  timeMsMax: 60_000,
  does: 'Reads the newest kept look at each public address: it must be no older than its interval, whole, and without an alarm. Then shakes hands with the address itself: authorities, suite and name must be those of the evidence, or the evidence is of something else.',
  run: async (target) => {
    const said: string[] = []
    for (const endpoint of target.publicTransport.addresses) {
      const result = await judge(target, endpoint)
      if (typeof result !== 'string') return result
      said.push(result)
    }
    return said.length === 0 ? fails('no public address is watched') : holds(said.join('; '))
  },
}

async function judge(target: WatchedTransport, endpoint: Endpoint): Promise<string | Verdict> {
  const { clock, publicTransport: { checkEveryMs, roots } } = target
  const at = addressOf(endpoint)
  const row = await newest(target, endpoint)
  if (row === undefined) return fails(`${at}: nothing was kept of any look at it`)
  const ageMs = clock.nowMs() - row.checked_at.getTime()
  if (ageMs > checkEveryMs + latenessMsMax) return fails(`${at}: the last look is ${Math.round(ageMs / 1_000)} s old, its interval ${checkEveryMs / 1_000} s`)
  if (ageMs < -latenessMsMax) return fails(`${at}: the last look is dated ahead of now`)
  if (row.verdict === 'not_reached') throw new NotReached(`${at} was not reached at the last look`)
  const evidence = tlsObservationSchema.safeParse(row.observed)
  if (!evidence.success) return fails(`${at}: what was kept of the last look is not whole`)
  if (row.verdict !== 'sound') return fails(`${at}: the last look found ${row.findings.join(', ')}`)
  const difference = await compare(endpoint, roots, evidence.data)
  if (difference !== undefined) return fails(`${at}: ${difference}`)
  const doubts = row.findings.length === 0 ? '' : `, with ${row.findings.join(', ')}`
  return `${at} looked at ${Math.round(ageMs / 1_000)} s ago${doubts}: ${evidence.data.suites.length} suites, ${evidence.data.groups.join(', ')}, ${evidence.data.chain.length} certificates, as we see them too`
}

async function newest({ auditor }: WatchedTransport, { name, port }: Endpoint): Promise<Row | undefined> {
  const address = `${name.includes(':') ? `[${name}]` : name}:${port}`
  for (let waitedMs = 0; ; waitedMs += askAgainMs) {
    const [row] = await auditor.query<Row>(
      'SELECT verdict, checked_at, findings, observed FROM ngome.tls_checks WHERE address = $1 ORDER BY checked_at DESC LIMIT 1', [address])
    if (row !== undefined && row.verdict !== 'not_reached' || waitedMs >= firstLookMsMax) return row
    await sleep(askAgainMs)
  }
}

/** The independent connection: evidence that says something else than what is there is no evidence. */
async function compare(endpoint: Endpoint, roots: readonly string[], seen: TlsObservation): Promise<string | undefined> {
  const result = await handshake(endpoint, { ca: [...roots], servername: '', ...tlsName(endpoint.name), minVersion: 'TLSv1.3' })
  if (result.kind === 'refused') return `a look of our own ended with ${result.code}`
  const authorities = chainOf(result.socket).slice(1).map(({ publicKey }) => spkiPin(publicKey)).join(' ')
  const suite = result.socket.getCipher().name
  result.socket.destroy()
  if (authorities !== seen.chain.slice(1).map(({ spki }) => spki).join(' ')) return 'other authorities vouch for it than the evidence says'
  return seen.suites.includes(suite) ? undefined : `it negotiates ${suite}, which the evidence does not have`
}

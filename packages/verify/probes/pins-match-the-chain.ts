import type { KeyObject } from 'node:crypto'
import { publishedPinSetSchema, type PinSet } from '@ngome/contracts'
import type { Clock } from '@ngome/kernel'
import { addressOf, chainOf, handshake, readPinSet, spkiPin, tlsName, type Endpoint } from '@ngome/runtime'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { ask } from '../wire/request.ts'

type Target = {
  readonly gateway: Endpoint
  readonly clock: Pick<Clock, 'nowMs'>
  readonly custodian: { readonly statementKey: () => Promise<KeyObject> }
  readonly publicTransport: { readonly addresses: readonly Endpoint[]; readonly roots: readonly string[] }
}

/** Who renews a set this late may find that apps have given pinning up already. */
const leftMsMin = 7 * 86_400_000

export const pinsMatchTheChain: Probe<Target> = {
  id: 'pins-match-the-chain',
  source: import.meta.filename,
  does: 'Fetches the pin set as an app would and checks the custodian\'s signature and its end. Then shakes hands with each public address: a current pin must be of a key in its chain; and a backup must be there that no chain shows.',
  run: async (target) => {
    const { gateway, publicTransport, custodian, clock } = target
    const answer = await ask(gateway, publicTransport.roots.join('\n'), { method: 'GET', path: '/v1/tls/pins' })
    if (answer.status === 404) throw new NotReached('no pin set is published: ngome tls pins add')
    if (answer.status !== 200) return fails(`the public API answers ${answer.status} for its pins`)
    const published = publishedPinSetSchema.safeParse(JSON.parse(answer.text))
    if (!published.success) return fails('what is published is no pin set')
    const set = readPinSet(published.data.statement, await custodian.statementKey())
    if (set === undefined) return fails('the pin set is not one that the custodian signed')
    const nowMs = clock.nowMs()
    const leftMs = Date.parse(set.expires_at) - nowMs
    if (leftMs <= leftMsMin) return fails(`the pin set ${leftMs > 0 ? 'ends' : 'ended'} ${set.expires_at}`)
    return judge(set, publicTransport, nowMs)
  },
}

async function judge(set: PinSet, { addresses, roots }: Target['publicTransport'], nowMs: number): Promise<Verdict> {
  const inForce = set.pins.filter((pin) => Date.parse(pin.not_before) <= nowMs && nowMs < Date.parse(pin.not_after))
  const backups = inForce.filter(({ role }) => role === 'backup').map(({ spki_sha256: spki }) => spki)
  if (backups.length === 0) return fails('the pin set has no backup for today')
  for (const endpoint of addresses) {
    const chain = await keysOf(endpoint, roots)
    if (typeof chain === 'string') return fails(chain)
    const shown = backups.find((spki) => chain.includes(spki))
    if (shown !== undefined) return fails(`${addressOf(endpoint)} shows the backup ${shown}: it is a backup no more`)
    if (!inForce.some(({ role, spki_sha256: spki }) => role === 'current' && chain.includes(spki))) {
      return fails(`${addressOf(endpoint)} shows no key that is pinned: apps refuse it`)
    }
  }
  return holds(`version ${set.version}, signed, until ${set.expires_at}: ${addresses.map(addressOf).join(', ')} show a current pin, ${backups.length} backup${backups.length > 1 ? 's' : ''} shown by none`)
}

async function keysOf(endpoint: Endpoint, roots: readonly string[]): Promise<readonly string[] | string> {
  const result = await handshake(endpoint, { ca: [...roots], servername: '', ...tlsName(endpoint.name), minVersion: 'TLSv1.3' })
  if (result.kind === 'refused') return `${addressOf(endpoint)} refuses a handshake (${result.code})`
  const keys = chainOf(result.socket).map(({ publicKey }) => spkiPin(publicKey))
  result.socket.destroy()
  return keys
}

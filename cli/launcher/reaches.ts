import { lookup } from 'node:dns/promises'
import type { Config } from '@ngome/runtime'
import type { Place, Reach } from './egress-rules.ts'
import type { UserIds } from './user-ids.ts'

/**
 * Whom each process may open a connection to: the egress rules in the words of the configuration. Names are looked up
 * now, since the kernel's rules know addresses only.
 * @param postgresUid the embedded PostgreSQL's user, where there is one
 */
export async function processReaches(config: Config, ids: UserIds, postgresUid: number | undefined): Promise<readonly Reach[]> {
  const custodian = [
    ...await placesOf(config.custodian.host, config.custodian.port),
    ...await placesOf(config.custodian.host, config.custodian.enrolmentPort),
  ]
  const { twin } = config.custodian
  if (twin !== undefined) {
    custodian.push(...await placesOf(twin.host, twin.port), ...await placesOf(twin.host, twin.enrolmentPort))
  }
  const own = config.custodian.database?.url.expose((text) => new URL(text))
  const ownStore = own === undefined
    ? { kind: 'nothing' } as const
    : { kind: 'places', places: await placesOf(own.hostname.replace(/^\[|\]$/g, ''), Number(own.port || 5432)) } as const
  const database = await placesOf(config.database.host, config.database.port)
  // Its own public API is looked at from outside, as clients reach it (K3).
  const allowed = await Promise.all([...config.egress.allowPrivate, ...config.gateway.tls.watched].map((text) => {
    const at = text.lastIndexOf(':')
    return placesOf(text.slice(0, at).replace(/^\[|\]$/g, ''), Number(text.slice(at + 1)))
  }))
  const limits = config.limits.store === undefined ? undefined : new URL(config.limits.store.url)
  const limitsStore = limits === undefined ? [] : await placesOf(limits.hostname.replace(/^\[|\]$/g, ''), Number(limits.port || 6379))
  return [
    { name: 'custodian', uid: ids.custodian, to: ownStore },
    { name: 'simulator', uid: ids.simulator, to: { kind: 'loopback' } },
    { name: 'airtel-simulator', uid: ids['airtel-simulator'], to: { kind: 'loopback' } },
    { name: 'card-simulator', uid: ids['card-simulator'], to: { kind: 'loopback' } },
    { name: 'gateway', uid: ids.gateway, to: { kind: 'places', places: [...custodian, ...database, ...limitsStore] } },
    { name: 'dispatcher', uid: ids.dispatcher, to: { kind: 'internet', places: [...custodian, ...database, ...allowed.flat()] } },
    ...(postgresUid === undefined ? [] : [{ name: 'postgres', uid: postgresUid, to: { kind: 'loopback' } } as const]),
  ]
}

async function placesOf(host: string, port: number): Promise<readonly Place[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => ({ address, port }))
  } catch {
    return [] // Nobody knows the name, so that nothing can be reached by it.
  }
}

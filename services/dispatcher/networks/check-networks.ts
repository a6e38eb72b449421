import { networkChecksSchema, type NetworkCheck, type NetworkChecks } from '@ngome/contracts'
import { formatMoney, type Clock } from '@ngome/kernel'
import type { InternalRoute } from '@ngome/runtime'
import type { CredentialCheck } from '../connectors/payment-network.ts'
import type { Network } from '../dispatcher.ts'

/** Networks cap calls, so that who asks while another asks gets the same answer. */
export function networkChecksRoute(networks: ReadonlyMap<string, Network>, clock: Clock): InternalRoute {
  let running: Promise<NetworkChecks> | undefined
  return {
    method: 'POST',
    path: '/network-checks',
    callers: ['operator'],
    handle: () => running ??= checkNetworks(networks, clock).finally(() => { running = undefined }),
  }
}

/** Asks each network for a token and for the balance, past breakers and maintenance: a person wants to know how it is now. */
export async function checkNetworks(networks: ReadonlyMap<string, Network>, clock: Clock): Promise<NetworkChecks> {
  return networkChecksSchema.parse({ data: await Promise.all([...networks].map(([name, network]) => checkNetwork(name, network, clock))) })
}

async function checkNetwork(name: string, { connector, provider, world }: Network, clock: Clock): Promise<NetworkCheck> {
  const { directions } = connector
  const askedAtMs = clock.nowMs()
  const checks = await connector.check?.() ?? []
  const answeredAtMs = clock.nowMs()
  const isGood = checks.length > 0 && checks.every(({ outcome }) => outcome === 'good')
  const balance = isGood ? await connector.balance?.() : undefined
  return {
    network: name, world, connector: provider, directions: [...directions],
    products: checks.map(({ product, outcome, status, theirTimeMs }) => ({
      product, outcome, status, clock_skew_s: skewOf({ theirTimeMs }, askedAtMs, answeredAtMs),
    })),
    balance: balance === undefined ? null : { amount: formatMoney(balance), currency: balance.currency },
  }
}

/** How far its clock is ahead of ours, in whole seconds; what lies between question and answer, or in its cut-off second, is no difference. */
function skewOf({ theirTimeMs }: Pick<CredentialCheck, 'theirTimeMs'>, askedAtMs: number, answeredAtMs: number): number | null {
  if (theirTimeMs === null) return null
  const [aheadMs, behindMs] = [theirTimeMs - answeredAtMs, theirTimeMs + 1_000 - askedAtMs]
  return aheadMs > 0 ? Math.ceil(aheadMs / 1_000) : behindMs < 0 ? Math.floor(behindMs / 1_000) : 0
}

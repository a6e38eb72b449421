import type { Config } from '@ngome/runtime'

/** Webhooks to this machine go only to what the operator allows by name: the first of those that is no network's. */
export function localWebhookAddress(config: Pick<Config, 'networks' | 'egress'>): { readonly host: string; readonly port: number } | undefined {
  const networks = new Set(Object.values(config.networks).map(({ baseUrl }) => new URL(baseUrl).host))
  const allowed = config.egress.allowPrivate.find((place) => place.startsWith('localhost:') && !networks.has(place))
  return allowed === undefined ? undefined : { host: 'localhost', port: Number(allowed.slice('localhost:'.length)) }
}

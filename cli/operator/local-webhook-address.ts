import type { Config } from '@ngome/runtime'

const loopback = /^(?<host>localhost|127\.0\.0\.1):(?<port>[0-9]+)$/

/** Webhooks to this machine go only to what the operator allows by name: the first of those that is no network's. */
export function localWebhookAddress(config: Pick<Config, 'networks' | 'egress'>): { readonly host: string; readonly port: number } | undefined {
  const taken = new Set(Object.values(config.networks).map(({ baseUrl }) => new URL(baseUrl).port))
  for (const place of config.egress.allowPrivate) {
    const { host, port } = loopback.exec(place)?.groups ?? {}
    if (host !== undefined && port !== undefined && !taken.has(port)) return { host, port: Number(port) }
  }
  return undefined
}

import type { Endpoint } from '@ngome/runtime'
import type { Random } from '@ngome/kernel'
import type { ProbeNetwork } from '../at-rest/plant-payment.ts'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'

/** Where payment links lead, and a network that they can be paid by; `undefined` where the operator offers none. */
export type CheckoutOfProbes = { readonly checkout: () => { readonly origin: string; readonly network: ProbeNetwork } | undefined }

type Target = ProbeMerchants & CheckoutOfProbes & { readonly gateway: Endpoint; readonly authority: string; readonly random: Random }

/** A cheap phone on a slow network: what a page may weigh with its head. */
const pageBytesMax = 50_000
const policies = ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] as const
const headers: readonly (readonly [name: string, value: string])[] = [
  ['cache-control', 'no-store'], ['referrer-policy', 'no-referrer'], ['cross-origin-opener-policy', 'same-origin'],
  ['x-content-type-options', 'nosniff'], ['x-frame-options', 'DENY'],
]
/** What a browser would do to a page for another site. */
const foreign: readonly (readonly [what: string, method: string, headers: Readonly<Record<string, string>>])[] = [
  ['a frame', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
  ['a script of another site', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
  ['a form of another site', 'POST', {
    'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', origin: 'https://evil.example',
    'content-type': 'application/x-www-form-urlencoded', 'content-length': '0',
  }],
]
const tokenCharacters = 48

export const checkoutPagesAreHeld: Probe<Target> = {
  id: 'checkout-pages-are-held',
  source: import.meta.filename,
  does: 'Makes a payment link of the probes\u2019 merchant and visits its page as a browser does: the page must weigh little, fetch nothing, forbid by its policy whatever others could get into it, set no cookie; other sites can neither frame it, read it nor send its form; an invented link leads nowhere, the API\u2019s name shows no page, and the page\u2019s name serves no API. Nobody is asked to pay.',
  timeMsMax: 60_000,
  run: async ({ gateway, authority, merchant, checkout, random }) => {
    const offered = checkout()
    if (offered === undefined) return holds('the operator offers no checkout: no page of ours asks anybody')
    const { apiKey } = await merchant('first')
    const host = new URL(offered.origin).host
    const visit = (path: string, more: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly host?: string } = {}): Promise<ApiAnswer> =>
      ask(gateway, authority, { method: 'GET', path, host, ...more })
    const made = await ask(gateway, authority, {
      method: 'POST', path: '/v1/checkout_sessions', apiKey, headers: { 'idempotency-key': Buffer.from(random.bytes(12)).toString('hex') },
      body: { amount: '1', currency: offered.network.currency, reference: 'ngome-verify', networks: [offered.network.name], expires_in: 300 },
    })
    const url = made.status === 201 ? linkIn(made.text) : undefined
    if (url === undefined || url.origin !== offered.origin) return fails(`a payment link is answered with ${made.status}, or leads elsewhere`)
    const page = await visit(url.pathname)
    const guess = `/c/${Buffer.from(random.bytes(tokenCharacters * 3 / 4)).toString('base64url')}`
    return judgePage(page) ?? judgeHeaders('an invented link', await visit(guess), 404) ?? await firstAllowed(url.pathname, visit)
      ?? only('the API\u2019s name', await visit(url.pathname, { host: 'localhost' }), 404) ?? only('the page\u2019s name', await visit('/v1/openapi.json'), 404)
      ?? holds(`the page of a link weighs ${weight(page)} bytes, loads nothing and is nobody else\u2019s`)
  },
}

function linkIn(text: string): URL | undefined {
  const { url } = JSON.parse(text) as { readonly url?: unknown }
  return typeof url === 'string' ? URL.parse(url) ?? undefined : undefined
}

function judgePage(page: ApiAnswer): Verdict | undefined {
  if (weight(page) > pageBytesMax) return fails(`the page weighs ${weight(page)} bytes, ${pageBytesMax} at most`)
  if (/<link|<img|<iframe|\ssrc=|url\(|@import/i.test(page.text)) return fails('the page fetches something')
  return judgeHeaders('the page of a link', page, 200)
}

function judgeHeaders(what: string, { status, header }: ApiAnswer, expected: number): Verdict | undefined {
  if (status !== expected) return fails(`${what} is answered with ${status}`)
  const policy = (header('content-security-policy') ?? '').split(/; ?/)
  const missing = policies.find((rule) => !policy.includes(rule))
  if (missing !== undefined) return fails(`${what} has no ${missing} in its policy`)
  if (policy.some((rule) => /unsafe|https?:|data:|\*/.test(rule))) return fails(`the policy of ${what} lets in what it does not name`)
  const wrong = headers.find(([name, value]) => header(name) !== value)
  if (wrong !== undefined) return fails(`${what} has not ${wrong[0]}: ${wrong[1]}`)
  return header('set-cookie') === undefined ? undefined : fails(`${what} sets a cookie`)
}

async function firstAllowed(
  path: string, visit: (path: string, more: { readonly method: string; readonly headers: Readonly<Record<string, string>> }) => Promise<ApiAnswer>,
): Promise<Verdict | undefined> {
  for (const [what, method, sent] of foreign) {
    const verdict = only(what, await visit(path, { method, headers: sent }), 403)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

function only(what: string, { status }: ApiAnswer, expected: number): Verdict | undefined {
  return status === expected ? undefined : fails(`${what} is answered with ${status}`)
}

function weight({ text }: ApiAnswer): number {
  return Buffer.byteLength(text)
}

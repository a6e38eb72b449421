import type { Random, Secret } from '@ngome/kernel'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import type { Endpoint } from '@ngome/runtime'
import { ask, type ApiAnswer } from '../wire/request.ts'

/** A key for pages of the probes' own merchant, and the one origin that may use it. */
export type BrowserKeys = { readonly browserKey: () => Promise<{ readonly apiKey: Secret<string>; readonly origin: string }> }

type Target = ProbeMerchants & BrowserKeys & { readonly gateway: Endpoint; readonly authority: string; readonly random: Random }

const path = '/v1/vault/keys'
const forScripts = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
/** How a browser loads for another page what no script asked for, and a cookie that it would bring. */
const withoutAsking: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
  ['a visit', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
  ['a frame', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
  ['an image', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
  ['a script', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
  ['a cookie', { cookie: 'session=1' }],
]

export const browsersAreHeldToTheirOrigins: Probe<Target> = {
  id: 'browsers-are-held-to-their-origins',
  source: import.meta.filename,
  does: 'Asks as browsers do, for pages of the one allowed origin and of made-up ones: preflights must be alike, without wildcard and credentials; a request with a publishable key is served to the allowed origin alone; a secret key with an origin, visits, frames, images, scripts and cookies are refused, with nothing that lets a page read it.',
  timeMsMax: 60_000,
  run: async ({ gateway, authority, merchant, browserKey, random }) => {
    const { apiKey, origin } = await browserKey()
    const { apiKey: secretKey } = await merchant('first')
    const foreign = `https://${Buffer.from(random.bytes(8)).toString('hex')}.example`
    const call = (as: Secret<string>, headers: Readonly<Record<string, string>>): Promise<ApiAnswer> =>
      ask(gateway, authority, { method: 'GET', path, apiKey: as, headers })
    const preflight = (from: string): Promise<ApiAnswer> => ask(gateway, authority, {
      method: 'OPTIONS', path, headers: { ...forScripts, origin: from, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    })

    const served = await call(apiKey, { ...forScripts, origin })
    if (served.status !== 200) return fails(`a page of the allowed origin is answered with ${served.status}, so that a refusal means nothing`)
    if (served.header('access-control-allow-origin') !== origin) return fails('a page of the allowed origin cannot read its answer')
    return firstFailure([
      withoutCredentials('the answer to a page', served),
      alike(await preflight(origin), origin, await preflight(foreign), foreign),
      refused('a page of a foreign origin', await call(apiKey, { ...forScripts, origin: foreign })),
      refused('a page without an origin of its own', await call(apiKey, { ...forScripts, origin: 'null' })),
      refused('a page below the allowed origin', await call(apiKey, { ...forScripts, origin: origin.replace('://', '://www.') })),
      refused('a secret key from a browser', await call(secretKey, { ...forScripts, origin })),
      ...await Promise.all(withoutAsking.map(async ([what, headers]) => refused(what, await call(secretKey, headers)))),
    ]) ?? holds(`the allowed origin is served, ${withoutAsking.length + 4} others are refused, preflights are alike`)
  },
}

function firstFailure(found: readonly (Verdict | undefined)[]): Verdict | undefined {
  return found.find((verdict) => verdict !== undefined)
}

function refused(what: string, { status, header }: ApiAnswer): Verdict | undefined {
  if (status < 400 || status >= 500) return fails(`${what} is answered with ${status}`)
  return header('access-control-allow-origin') === undefined ? undefined : fails(`${what} may read its refusal`)
}

function withoutCredentials(what: string, { header }: ApiAnswer): Verdict | undefined {
  if (header('access-control-allow-credentials') !== undefined) return fails(`${what} allows credentials`)
  return header('set-cookie') === undefined ? undefined : fails(`${what} sets a cookie`)
}

const told = ['access-control-allow-methods', 'access-control-allow-headers', 'access-control-max-age', 'vary', 'cache-control'] as const

/** A preflight says nothing of who is on which list: for each origin the same, but for its name. */
function alike(own: ApiAnswer, ownOrigin: string, other: ApiAnswer, otherOrigin: string): Verdict | undefined {
  const said = ({ status, text, header }: ApiAnswer, origin: string): string =>
    JSON.stringify([status, text, header('access-control-allow-origin') === origin, ...told.map((name) => header(name) ?? null)])
  if (said(own, ownOrigin) !== said(other, otherOrigin)) return fails('a preflight tells an allowed origin from another')
  for (const answer of [own, other]) {
    if (answer.header('access-control-allow-origin') === '*') return fails('a preflight allows every origin for ever')
  }
  return withoutCredentials('a preflight', own)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { limitsSchema } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import type { ProbeMerchant, ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'

/** Gives a merchant of the probes limits of its own, by the operator's way, and answers it with a key. */
export type LimitedMerchants = {
  readonly limitedMerchant: (limit: { readonly ratePerS: number; readonly burst: number }) => Promise<ProbeMerchant>
}

type Target = ProbeMerchants & LimitedMerchants & { readonly gateway: Endpoint; readonly authority: string }

/** Small, so that a flood that is over in a moment passes it, and does no harm to anybody. */
const limit = { ratePerS: 2, burst: 10 }
const floodMax = 30
const atOnce = 10
/** Gateways learn of new limits within the lease of revocations, 2 s. */
const toldMsMax = 3_000
const lookMs = 100
/** Of what the gateway said was left: the rest may lie with other gateways. */
const usableShare = 0.8

export const rateLimitsHold: Probe<Target> = {
  id: 'rate-limits-hold',
  source: import.meta.filename,
  does: `Gives a merchant of its own ${limit.burst} tokens and ${limit.ratePerS} a second, by the operator's way, and sends ${floodMax} requests at once. No more than the burst and what the rate gave meanwhile may pass, and no fewer than were promised; the others must be 429 with Retry-After, both RateLimit fields and a problem document; another merchant's key must pass untouched.`,
  timeMsMax: 30_000,
  run: async ({ gateway, authority, merchant, limitedMerchant }) => {
    const [{ apiKey }, other] = await Promise.all([limitedMerchant(limit), merchant('first')])
    const look = (key: Secret<string>): Promise<ApiAnswer> => ask(gateway, authority, { method: 'GET', path: '/v1/limits', apiKey: key })
    const promised = await untilTold(() => look(apiKey))
    if (promised === undefined) return fails(`${toldMsMax} ms after the operator gave a merchant its limits the gateway did not have them`)
    const sinceMs = performance.now()
    const answers: ApiAnswer[] = []
    while (answers.length < floodMax) answers.push(...await Promise.all(Array.from({ length: atOnce }, () => look(apiKey))))
    const seconds = (performance.now() - sinceMs) / 1_000
    const { status } = await look(other.apiKey)
    if (status !== 200) return fails(`while one key was over its limit, another was answered ${status}`)
    return judge(answers, promised, seconds)
  },
}

/** @returns the tokens that are left once the limits are the probe's, `undefined` where they never were */
async function untilTold(look: () => Promise<ApiAnswer>): Promise<number | undefined> {
  for (let ms = 0; ms < toldMsMax; ms += lookMs) {
    const { status, text } = await look()
    if (status === 200) {
      const { key } = limitsSchema.parse(JSON.parse(text))
      if (key.burst === limit.burst && key.rate_per_second === limit.ratePerS) return key.remaining
    }
    await sleep(lookMs)
  }
  return undefined
}

function judge(answers: readonly ApiAnswer[], promised: number, seconds: number): Verdict {
  const refused = answers.filter(({ status }) => status === 429)
  const accepted = answers.length - refused.length
  const most = limit.burst + limit.ratePerS * seconds
  if (accepted > most) return fails(`${accepted} of ${answers.length} requests passed in ${seconds.toFixed(2)} s, where ${most.toFixed(1)} may`)
  if (accepted < Math.floor(promised * usableShare)) return fails(`${promised} tokens were left, and only ${accepted} requests passed`)
  for (const answer of refused) {
    const lack = lackOf(answer)
    if (lack !== undefined) return fails(`a request over the limit was refused ${lack}`)
  }
  return holds(`${accepted} of ${answers.length} requests passed in ${seconds.toFixed(2)} s (at most ${most.toFixed(1)} may), the others were 429 with when to come again; another key passed`)
}

function lackOf({ header, text }: ApiAnswer): string | undefined {
  if (!/^[1-9][0-9]*$/.test(header('retry-after') ?? '')) return 'without when to come again'
  if (!(header('ratelimit-policy') ?? '').startsWith(`"key";q=${limit.burst};w=${limit.burst / limit.ratePerS}`)) return 'without its RateLimit-Policy'
  if (!/^"[a-z]+";r=[0-9]+;t=[0-9]+$/.test(header('ratelimit') ?? '')) return 'without its RateLimit'
  return text.includes('"access/limit_exceeded"') ? undefined : 'without a problem document'
}

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { ManualClock, newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { TestAuthority } from '@ngome/testkit'
import { rateLimitsHold } from './probes/rate-limits-hold.ts'
import { runProbes } from './run-probes.ts'

/** What the gateway of a test does, all as it should unless a test says otherwise. */
type World = {
  passes: number
  promised: number
  other: number
  burst: number
  headers: Record<string, string>
  code: string
}

const sane: World = {
  passes: 9, promised: 9, other: 200, burst: 10, code: 'access/limit_exceeded',
  headers: { 'retry-after': '1', 'ratelimit-policy': '"key";q=10;w=5, "merchant";q=10;w=5', 'ratelimit': '"key";r=0;t=1' },
}
let world = { ...sane }
let server: Server
let authority: TestAuthority
let asked = 0

before(async () => {
  authority = await TestAuthority.create()
  server = createServer({ ...await authority.issueWithKey('gateway'), minVersion: 'TLSv1.3' }, (request, response) => {
    const answer = (status: number, headers: Record<string, string>, body: object): void => {
      response.writeHead(status, { ...headers, connection: 'close' }).end(JSON.stringify(body))
    }
    if (request.headers.authorization === 'Bearer other') return answer(world.other, {}, {})
    const quota = { rate_per_second: 2, burst: world.burst, remaining: world.promised, reset_seconds: 1 }
    // The first look is the probe's, at what is left.
    if (asked++ <= world.passes) return answer(200, {}, { object: 'limits', world: 'test', key: quota, merchant: quota, routes: [] })
    return answer(429, world.headers, { code: world.code })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
})
after(() => { server.close() })
beforeEach(() => { asked = 0 })

async function look(changes: Partial<World>): Promise<string> {
  world = { ...sane, ...changes }
  const tenant = { merchant: newId('merchant', { clock: systemClock, random: systemRandom }), world: 'test' } as const
  const [result] = await runProbes([rateLimitsHold], {
    gateway: { name: 'gateway', host: '127.0.0.1', port: (server.address() as AddressInfo).port }, authority: authority.pem,
    merchant: () => Promise.resolve({ tenant, apiKey: new Secret('other') }),
    limitedMerchant: () => Promise.resolve({ tenant, apiKey: new Secret('limited') }),
  }, new ManualClock(0))
  return `${result?.status}: ${result?.evidence}`
}

const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(sane.headers).filter(([key]) => key !== name))
const found: readonly (readonly [claim: string, says: RegExp, changes: Partial<World>])[] = [
  ['a gateway that lets the burst pass and no more holds', /^holds: 9 of 30/, {}],
  ['one that lets all pass fails', /^fails: 30 of 30/, { passes: 1_000 }],
  ['one that lets twice the burst pass fails', /^fails: 2[0-9] of 30/, { passes: 25 }],
  ['one that refuses what it promised fails', /^fails: 9 tokens were left/, { passes: 3 }],
  ['one where a key spends what is another\'s fails', /^fails: .*another was answered 429/, { other: 429 }],
  ['one that never learns of the limits fails', /^fails: .*did not have them/, { burst: 1_000, passes: 1_000 }],
  ['a refusal without when to come again fails', /^fails: .*come again/, { headers: without('retry-after') }],
  ['a refusal without its policy fails', /^fails: .*RateLimit-Policy/, { headers: without('ratelimit-policy') }],
  ['a refusal without what is left fails', /^fails: .*RateLimit$/, { headers: without('ratelimit') }],
  ['a refusal without a problem document fails', /^fails: .*problem document/, { code: 'other' }],
]
for (const [claim, says, changes] of found) test(claim, async () => assert.match(await look(changes), says))

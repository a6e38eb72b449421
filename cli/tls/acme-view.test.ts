import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { parseId } from '@ngome/kernel'
import type { AcmeOrderRow, StapleState } from '@ngome/store'
import { TestAuthority } from '@ngome/testkit'
import { acmeLines, acmeView } from './acme-view.ts'

const nowMs = Date.now()
const [minuteMs, dayMs] = [60_000, 86_400_000]
const instance = parseId('gatewayInstance', 'gwi_01h455vb4pex5vsknk084sn02q')
const id = parseId('acmeOrder', 'aco_01h455vb4pex5vsknk084sn02q')
let good: string
let over: string
before(async () => {
  const authority = await TestAuthority.create()
  const issue = async (fromMs: number, toMs: number): Promise<string> =>
    (await authority.issueWithKey('gateway', { notBefore: new Date(nowMs + fromMs), notAfter: new Date(nowMs + toMs) })).cert
  good = await issue(-dayMs, 60 * dayMs)
  over = await issue(-91 * dayMs, -2 * dayMs)
})

function row(changes: Partial<AcmeOrderRow>): AcmeOrderRow {
  assert(instance !== undefined && id !== undefined)
  return {
    id, instance, names: ['api.example'], csr: '', state: 'requested', requestedAtMs: nowMs, dueAtMs: nowMs, account: null, orderUrl: null, orderedAtMs: null,
    tries: 0, problem: null, detail: null, chain: null, renewAtMs: null, renewalAskedAtMs: null, refusal: null, endedAtMs: null, ...changes,
  }
}
const installed = (changes: Partial<AcmeOrderRow> = {}): AcmeOrderRow =>
  row({ state: 'installed', chain: good, endedAtMs: nowMs - dayMs, account: 'https://ca.example/1', ...changes })

type Moment = readonly [claim: string, rows: () => readonly AcmeOrderRow[], isWell: boolean, says: RegExp, never?: RegExp | undefined, staple?: StapleState]
/** What an operator reads at each moment of an order's life, and whether the shell hears that all is well. */
const moments: readonly Moment[] = [
  ['the first order is under way', () => [row({ dueAtMs: nowMs + 5_000 })], false, /requested {2}api\.example {2}the platform's own[^]*the dispatcher goes on with it at 20/],
  ['a renewal is under way', () => [row({ state: 'ordered', dueAtMs: nowMs }), installed()], true, /ordered {2}api\.example {2}the one that is served ends 20[^]*goes on with it at/],
  ['nobody goes on with an order', () => [row({ dueAtMs: nowMs - 2 * minuteMs }), installed()], false, /nobody has gone on with it since 20[^]*does the dispatcher run\?/],
  ['it was issued just now', () => [row({ state: 'issued', chain: '' }), installed()], true, /its gateway looks at it now/],
  ['its gateway does not take it up', () => [row({ state: 'issued', chain: '', dueAtMs: nowMs - 2 * minuteMs }), installed()], false, /its gateway has done nothing since 20.*does it run\?/],
  ['all is well', () => [installed({ renewAtMs: nowMs + 30 * dayMs })], true,
    /installed {2}api\.example {2}the one that is served ends 20[^]*would have it renewed at 20[^]*account, for a CAA record: https:\/\/ca\.example\/1$/, /failed|stapled/],
  ['it came after failures, of which nobody need hear any more', () => [installed({ tries: 2, problem: 'ngome:unreached', detail: 'no connection' })], true, /installed/, /failed|unreached/],
  ['it failed once', () => [row({ tries: 1, problem: 'urn:x:rateLimited', detail: '429 too many', dueAtMs: nowMs + dayMs }), installed()], false,
    /failed once: urn:x:rateLimited: 429 too many\n {2}tried again at 20/],
  ['it failed more than once, the authority being away', () => [row({ tries: 3, problem: 'ngome:unreached', detail: 'no connection', dueAtMs: nowMs + minuteMs })], false,
    /the platform's own[^]*failed 3 times, the last time: ngome:unreached/],
  ['the authority may not hear of it', () => [row({ state: 'failed', tries: 1, problem: 'ngome:order_refused', detail: 'names', endedAtMs: nowMs })], false,
    /failed once: ngome:order_refused[^]*orders another in an hour, or with ngome tls acme renew/],
  ['the gateway refused it', () => [row({ state: 'refused', refusal: 'chain_untrusted', tries: 2, problem: 'x', detail: 'y', chain: good, endedAtMs: nowMs }), installed()], false,
    /the gateway refused it: chain_untrusted; it orders another in some hours/, /failed/],
  ['the gateway withdrew it', () => [row({ state: 'withdrawn', endedAtMs: nowMs }), installed()], true, /withdrew it, and orders another/],
  ['another was asked for', () => [installed({ renewalAskedAtMs: nowMs })], true, /another was asked for at 20[^]*within a quarter of a minute/],
  ['another was asked for, and no gateway hears', () => [installed({ renewalAskedAtMs: nowMs - 2 * minuteMs })], false, /its gateway has done nothing since 20/],
  ['what was asked for has come', () => [installed({ renewalAskedAtMs: nowMs - 2 * dayMs })], true, /installed/, /asked/],
  ['it ended, and the renewal fails', () => [row({ tries: 9, problem: 'ngome:unreached', detail: '', dueAtMs: nowMs + 1 }), installed({ chain: over })], false,
    /the one that it had ended 20[^]*failed 9 times/, /no more/],
  ['it ended just now', () => [installed({ chain: over, endedAtMs: nowMs - 60 * minuteMs })], false, /the one that it had ended/, /no more/],
  ['its gateway is no more', () => [installed({ chain: over, endedAtMs: nowMs - 80 * dayMs })], false, /ordered no other for a day: it is no more, or does not run/, /renewed/],
  ['its authority says good', () => [installed()], true, /is stapled until 20/, undefined, { status: 'good', endsAtMs: nowMs + dayMs, failure: null }],
  ['its responder is away', () => [installed()], true, /is stapled until 20.*; the last question failed: not_reached/, undefined, { status: 'good', endsAtMs: nowMs + dayMs, failure: 'not_reached' }],
  ['what was stapled is over', () => [installed()], true, /nothing is stapled: the last answer ended 20.*not_reached/, undefined, { status: 'good', endsAtMs: nowMs - 1, failure: 'not_reached' }],
  ['nothing was ever stapled', () => [installed()], true, /nothing is stapled yet; the last question failed: unknown/, undefined, { status: null, endsAtMs: null, failure: 'unknown' }],
  ['it is revoked', () => [installed()], false, /says that it is revoked: find out why, then order another/, /until/, { status: 'revoked', endsAtMs: nowMs + dayMs, failure: null }],
]

describe('the status of a certificate by ACME is true where', () => {
  for (const [claim, rows, isWell, says, never, staple] of moments) {
    test(claim, () => {
      const view = acmeView(rows(), { nowMs, staple })
      const text = acmeLines(view, nowMs).join('\n')
      assert.equal(view.isWell, isWell, text)
      assert.match(text, says)
      if (never !== undefined) assert.doesNotMatch(text, never)
      assert.equal(view.isGone, claim === 'its gateway is no more')
    })
  }
})

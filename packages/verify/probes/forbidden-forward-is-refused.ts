import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import type { PlantedVault } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { rowsSince, signedSize } from '../custodian/log-proof.ts'
import type { OpeningsLog } from '../custodian/openings-log.ts'
import type { Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { ask } from '../wire/request.ts'

type Target = PlantedVault & ProbeMerchants & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly auditor: Auditor
  readonly custodian: Pick<CustodianView, 'statementKey'>
  readonly openingsLog: Pick<OpeningsLog, 'pull'>
  readonly random: Random
}

/** RFC 6761 §6.4: no name below it ever exists, so that a platform that is broken sends the card nowhere either. */
const forbidden = 'https://probe.invalid/charges'
/** A job that should not be there would run within this. */
const jobMs = 1_000

export const forbiddenForwardIsRefused: Probe<Target> = {
  id: 'forbidden-forward-is-refused',
  source: import.meta.filename,
  does: 'Asks to forward a card of the vault to a place that nobody allowed. The gateway must answer 403, keep no forward and record the refusal as an event; and the custodian\'s log must show no opening of the card from then on.',
  timeMsMax: 60_000,
  run: async (target) => {
    const [{ id: token }, { apiKey, tenant }, key] = await Promise.all([target.plantedCard(), target.merchant('first'), target.custodian.statementKey()])
    const size = await signedSize(target.openingsLog, key)
    if (size === undefined) return fails('the custodian gives no checkpoint that it has signed')
    const count = async (sql: string): Promise<number> => Number((await target.auditor.query<{ n: unknown }>(sql, [tenant.merchant, tenant.world]))[0]?.n)
    const before = { refusals: await count(refusalsSql), forwards: await count(forwardsSql) }
    const answer = await ask(target.gateway, target.authority, {
      method: 'POST', path: '/v1/forward', apiKey,
      headers: { 'idempotency-key': `probe-${Buffer.from(target.random.bytes(16)).toString('hex')}` },
      body: { method: 'POST', url: forbidden, json: { card: `{{${token}}}` } },
    })
    if (answer.status !== 403) return fails(`a forward to a place that nobody allowed was answered ${answer.status}`)
    await sleep(jobMs)
    return judge({
      forwards: await count(forwardsSql) - before.forwards,
      refusals: await count(refusalsSql) - before.refusals,
      openings: (await rowsSince(target.openingsLog, size)).filter(({ operation, outcome, subject }) =>
        operation === '/v1/open' && outcome === 'allowed' && subject.includes(token)).length,
    })
  },
}

const refusalsSql = `SELECT count(*) AS n FROM ngome.events WHERE type = 'forward.refused' AND merchant = $1 AND world = $2`
const forwardsSql = 'SELECT count(*) AS n FROM ngome.forwards WHERE merchant = $1 AND world = $2'

function judge({ forwards, refusals, openings }: { forwards: number; refusals: number; openings: number }): Verdict {
  if (openings > 0) return fails('a card was opened for a forward that was refused')
  if (forwards > 0) return fails('a forward that was refused was kept all the same')
  if (!(refusals > 0)) return fails('a forward to a place that nobody allowed was refused, and not recorded')
  return holds('a forward to a place that nobody allowed: 403, recorded, nothing kept, and no opening of the card in the custodian\'s log')
}

import type { Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, problemOfRefusal } from '../custodian/judge-refusal.ts'
import { openRequest, paymentContext, sealedPayment, type SealedPaymentRow } from '../custodian/sealed-payment.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

type Target = Planted & SelfTester & {
  readonly auditor: Auditor
  readonly custodian: Pick<CustodianView, 'statementKey'>
  readonly random: Random
}

export const separateMerchantKeys: Probe<Target> = {
  id: 'separate-merchant-keys',
  source: import.meta.filename,
  does: 'Takes a payment each for two merchants. Their data keys must be sealed to different merchant keys. Then the dispatcher, which may open records, asks for the key of one merchant\'s record in the other\'s place, both ways round; the custodian must refuse, signed over our challenge.',
  timeMsMax: 60_000,
  run: async (target) => {
    const [first, second] = await Promise.all([rowOf(target, 'first'), rowOf(target, 'second')])
    if (first.merchantKeyId === second.merchantKeyId) return fails(`two merchants share the merchant key ${first.merchantKeyId}`)
    const [shared] = await target.auditor.query<{ id: string }>(
      'SELECT id FROM ngome.data_keys GROUP BY id HAVING count(DISTINCT (merchant, world)) > 1 LIMIT 1',
    )
    if (shared !== undefined) return fails(`the data key ${shared.id} belongs to more than one merchant`)
    return await putIn(target, first, second) ?? await putIn(target, second, first)
      ?? holds(`merchant keys ${first.merchantKeyId} and ${second.merchantKeyId}; a record in the other's place is refused, signed by the custodian`)
  },
}

/** The custodian does not tell the owner of a forgery how far it came. */
const misplaced = ['record_refused'] as const

async function rowOf(target: Target, which: 'first' | 'second'): Promise<SealedPaymentRow> {
  const { id, tenant } = await target.planted(which)
  return sealedPayment(target.auditor, tenant, id)
}

/** Puts one merchant's sealed payment in the place of another's, and lets the dispatcher try to open it there. */
async function putIn(target: Target, what: SealedPaymentRow, place: SealedPaymentRow): Promise<Verdict | undefined> {
  const challenge = newChallenge(target.random)
  const attempt = await target.selfTest('dispatcher', 'open', {
    challenge, opening: openRequest(what.sealedDataKey, paymentContext(place.tenant, place.id, what.blob), what.blob),
  })
  const statementKey = await target.custodian.statementKey()
  const problem = problemOfRefusal(attempt, { challenge, caller: 'dispatcher', reasons: misplaced, statementKey })
  return problem === undefined ? undefined : fails(`one merchant's record in another's place: ${problem}`)
}

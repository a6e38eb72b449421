import type { Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, notPermitted, problemOfRefusal } from '../custodian/judge-refusal.ts'
import { openRequest, paymentContext, sealedPayment } from '../custodian/sealed-payment.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = Planted & SelfTester & {
  readonly auditor: Auditor
  readonly custodian: Pick<CustodianView, 'statementKey'>
  readonly random: Random
}

/** What the dispatcher attempts, by the names of its self-tests, and what the custodian's refusal may say. */
const attempts = {
  'secrets': notPermitted,
  'open-wrong-purpose': [...notPermitted, 'table_not_permitted', 'retention_not_permitted'],
} as const

export const dispatcherCannotOverreach: Probe<Target> = {
  id: 'dispatcher-cannot-overreach',
  source: import.meta.filename,
  does: 'Lets the dispatcher, with its own certificate, ask the custodian for the gateway\'s secrets, and for a payment under a purpose that is not for payments; each must be refused with a signature over our challenge. Then lets it try to reach the address at which clouds give out their secrets, which its egress guard must refuse.',
  run: async (target) => {
    const { id, tenant } = await target.planted('first')
    const row = await sealedPayment(target.auditor, tenant, id)
    const opening = openRequest(row.sealedDataKey, paymentContext(tenant, id, row.blob), row.blob)
    const statementKey = await target.custodian.statementKey()
    for (const [name, reasons] of Object.entries(attempts)) {
      const challenge = newChallenge(target.random)
      const attempt = await target.selfTest('dispatcher', name, { challenge, opening })
      const problem = problemOfRefusal(attempt, { challenge, caller: 'dispatcher', reasons, statementKey })
      if (problem !== undefined) return fails(`${name}: ${problem}`)
    }
    const out = await target.selfTest('dispatcher', 'egress-guard', { challenge: newChallenge(target.random) })
    if (out.outcome !== 'refused') return fails(`the egress guard let the dispatcher go where clouds keep their secrets (${out.outcome})`)
    return holds(`refused to the dispatcher: ${Object.keys(attempts).join(', ')}, signed by the custodian; and a private address, by its egress guard`)
  },
}

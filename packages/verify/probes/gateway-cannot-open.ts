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

const attempts = ['open', 'index'] as const

export const gatewayCannotOpen: Probe<Target> = {
  id: 'gateway-cannot-open',
  source: import.meta.filename,
  does: 'Takes a payment and lets the gateway, with its own certificate, ask the custodian to open it, and to compute a blind index. The custodian must refuse both because of who asks, and sign that over our challenge, so that the gateway cannot have made it up.',
  run: async (target) => {
    const { id, tenant } = await target.planted('first')
    const row = await sealedPayment(target.auditor, tenant, id)
    const opening = openRequest(row.sealedDataKey, paymentContext(tenant, id, row.blob), row.blob)
    for (const name of attempts) {
      const challenge = newChallenge(target.random)
      const attempt = await target.selfTest('gateway', name, { challenge, opening })
      const statementKey = await target.custodian.statementKey()
      const problem = problemOfRefusal(attempt, { challenge, caller: 'gateway', reasons: notPermitted, statementKey })
      if (problem !== undefined) return fails(`${name}: ${problem}`)
    }
    return holds(`refused to the gateway, signed by the custodian over our challenge: ${attempts.join(', ')}`)
  },
}

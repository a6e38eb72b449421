import type { Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { judgeRefusal, newChallenge } from '../custodian/judge-refusal.ts'
import { openRequest, paymentContext, sealedPayment } from '../custodian/sealed-payment.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = Planted & SelfTester & {
  readonly auditor: Auditor
  readonly custodian: CustodianView
  readonly random: Random
}

export const gatewayCannotOpen: Probe<Target> = {
  id: 'gateway-cannot-open',
  source: import.meta.filename,
  does: 'Takes a payment and lets the gateway, with its own certificate, ask the custodian to open it. The custodian must refuse, and sign the refusal over our challenge, so that the gateway cannot have made it up.',
  run: async (target) => {
    const { id, tenant } = await target.planted('first')
    const row = await sealedPayment(target.auditor, tenant, id)
    const challenge = newChallenge(target.random)
    const answer = await target.selfTest('gateway', '/self-test/open', {
      challenge, ...openRequest(row.sealedDataKey, paymentContext(tenant, id), row.blob),
    })
    if (!answer.isRefused) return fails(`the custodian opened a payment for the gateway (${answer.evidence})`)
    if (answer.refusal === null) return fails(`the gateway says that it was refused, and has no signature for it (${answer.evidence})`)
    const { statementKey } = target.custodian
    const judged = judgeRefusal(answer.refusal, { challenge, caller: 'gateway', statementKey })
    return judged.ok ? holds(`refused to the gateway, signed by the custodian: ${judged.reason}`) : fails(`the gateway shows ${judged.problem}`)
  },
}

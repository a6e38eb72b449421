import { toBase64Url, type Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, notPermitted, problemOfRefusal } from '../custodian/judge-refusal.ts'
import { openRequest, paymentContext, sealedPayment } from '../custodian/sealed-payment.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = Planted & {
  readonly auditor: Auditor
  readonly custodian: CustodianView
  readonly random: Random
}

export const operatorCannotOpen: Probe<Target> = {
  id: 'operator-cannot-open',
  source: import.meta.filename,
  does: 'Asks the custodian, with the operator\'s certificate, to open a payment, to compute a blind index and to hand out the processes\' secrets. Each must be refused with a signature over our challenge.',
  run: async (target) => {
    const { id, tenant } = await target.planted('first')
    const row = await sealedPayment(target.auditor, tenant, id)
    const { dataKey, context, salt } = openRequest(row.sealedDataKey, paymentContext(tenant, id, row.blob), row.blob)
    const { attempt: ask } = target.custodian
    const statementKey = await target.custodian.statementKey()
    const attempts = {
      'open a payment': (challenge: string) => ask('/v1/open', {
        purpose: 'dispatch', dataKeys: [dataKey], records: [{ dataKey: 0, context, salt }],
      }, challenge),
      'compute an index': (challenge: string) => ask('/v1/index', {
        ...tenant, blinded: [toBase64Url(target.random.bytes(32))],
      }, challenge),
      'take the secrets': (challenge: string) => ask('/v1/secrets', { names: ['api-pepper', 'callback'] }, challenge),
    }
    for (const [what, attempt] of Object.entries(attempts)) {
      const challenge = newChallenge(target.random)
      const expected = { challenge, caller: 'operator', reasons: notPermitted, statementKey } as const
      const problem = problemOfRefusal(await attempt(challenge), expected)
      if (problem !== undefined) return fails(`${what}: ${problem}`)
    }
    return holds(`refused to the operator, each signed by the custodian: ${Object.keys(attempts).join(', ')}`)
  },
}

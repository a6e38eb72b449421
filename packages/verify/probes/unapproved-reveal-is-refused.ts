import { generateKeyPairSync, sign } from 'node:crypto'
import { approvalBytes, canonicalJson } from '@ngome/contracts'
import { newId, systemClock, toBase64Url, type Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { Planted } from '../at-rest/plant-payment.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, problemOfRefusal } from '../custodian/judge-refusal.ts'
import { openRequest, paymentContext, sealedPayment } from '../custodian/sealed-payment.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = Planted & {
  readonly auditor: Auditor
  readonly custodian: Pick<CustodianView, 'attempt' | 'statementKey'>
  readonly random: Random
}

const operation = '/v1/reveal'
const endsInMs = 60_000

export const unapprovedRevealIsRefused: Probe<Target> = {
  id: 'unapproved-reveal-is-refused',
  source: import.meta.filename,
  does: 'Asks the custodian, with the operator\'s certificate, to reveal a payment: once without anybody\'s approval, once with one that two people signed whom it never admitted. Both must be refused, with a signature over our challenge.',
  run: async (target) => {
    const { id, tenant } = await target.planted('first')
    const row = await sealedPayment(target.auditor, tenant, id)
    const { dataKey, salt } = openRequest(row.sealedDataKey, paymentContext(tenant, id, row.blob), row.blob)
    const parameters = { ...tenant, payment: id, dataKey, salt }
    const attempts = [
      { what: 'without an approval', request: parameters, reasons: ['approval_missing'] },
      { what: 'approved by strangers', request: { ...parameters, approval: forged(target.random, parameters) }, reasons: ['unproven'] },
    ]
    const statementKey = await target.custodian.statementKey()
    for (const { what, request, reasons } of attempts) {
      const challenge = newChallenge(target.random)
      const attempt = await target.custodian.attempt(operation, request, challenge)
      const problem = problemOfRefusal(attempt, { challenge, caller: 'operator', reasons, statementKey })
      if (problem !== undefined) return fails(`${what}: ${problem}`)
    }
    return holds(`a reveal was refused to the operator, signed by the custodian: ${attempts.map(({ what }) => what).join(', ')}`)
  },
}

/** What two people would have signed, by keys that the custodian does not know. */
function forged(random: Random, parameters: object): { request: string; signatures: { staff: string; signature: string }[] } {
  const request = canonicalJson({
    operation, parameters, reason: 'a probe, which must be refused', nonce: toBase64Url(random.bytes(16)),
    expires_at: new Date(systemClock.nowMs() + endsInMs).toISOString(),
  })
  const signatures = [0, 1].map(() => ({
    staff: newId('staff', { clock: systemClock, random }),
    signature: toBase64Url(sign(null, approvalBytes(request), generateKeyPairSync('ed25519').privateKey)),
  }))
  return { request, signatures }
}

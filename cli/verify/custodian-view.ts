import { CustodianRefusal } from '@ngome/runtime'
import type { CustodianView } from '@ngome/verify'
import type { OperatorIdentity } from '../operator/operator-access.ts'

/** The custodian as the operator's certificate reaches it: what it refuses is an answer, not an error. */
export function custodianView(
  { endpoint, enrolment }: Pick<CustodianView, 'endpoint' | 'enrolment'>, operator: () => Promise<OperatorIdentity>,
): CustodianView {
  return {
    endpoint,
    enrolment,
    statementKey: async () => (await operator()).identity.statementKey,
    attempt: async (path, request, challenge) => {
      const { custodian } = await operator()
      try {
        await custodian.call(path, request, { challenge })
        return { outcome: 'allowed' }
      } catch (error) {
        if (error instanceof CustodianRefusal) return { outcome: 'refused', refusal: error.refusal ?? null }
        throw error
      }
    },
  }
}

import type { Random } from '@ngome/kernel'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, notPermitted, problemOfRefusal } from '../custodian/judge-refusal.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

type Target = SelfTester & { readonly custodian: Pick<CustodianView, 'statementKey'>; readonly random: Random }

/** What the dispatcher attempts, by the names of its self-tests. */
const attempts = ['secrets', 'merchant-keys', 'openings'] as const

export const dispatcherCannotOverreach: Probe<Target> = {
  id: 'dispatcher-cannot-overreach',
  source: import.meta.filename,
  does: 'Lets the dispatcher, with its own certificate, ask the custodian for the gateway\'s secrets, for merchants\' keys and for the log of openings. Each must be refused with a signature over our challenge.',
  run: async (target) => {
    const { statementKey } = target.custodian
    for (const name of attempts) {
      const challenge = newChallenge(target.random)
      const attempt = await target.selfTest('dispatcher', name, { challenge })
      const problem = problemOfRefusal(attempt, { challenge, caller: 'dispatcher', reasons: notPermitted, statementKey })
      if (problem !== undefined) return fails(`${name}: ${problem}`)
    }
    return holds(`refused to the dispatcher, each signed by the custodian: ${attempts.join(', ')}`)
  },
}

import type { Random } from '@ngome/kernel'
import { newChallenge } from '../custodian/judge-refusal.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import type { MachineView } from '../isolation/machine-view.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, partial } from '../verdict.ts'
import { withOwnListener } from '../wire/own-listener.ts'

type Target = SelfTester & { readonly machine: () => Promise<MachineView>; readonly random: Random }

/** Whose connections the launcher's rules bound; each must go nowhere that the configuration does not name. */
const bounded = ['gateway', 'custodian', 'dispatcher'] as const

export const egressIsClosed: Probe<Target> = {
  id: 'egress-is-closed',
  source: import.meta.filename,
  does: 'Listens on a port of its own on loopback, and has the gateway, the custodian and the dispatcher try to connect to it, past any guard of their own. Where the launcher reports the egress rules to be on, each must be refused, and the listener must have seen nobody; where they are off it is partial.',
  run: async ({ selfTest, machine, random }) => {
    const rules = (await machine()).report?.['egressRules']
    if (rules === undefined) throw new NotReached('the launcher left no report of the egress rules')
    const isOn = rules.status === 'on'
    return withOwnListener(async ({ port, taken }) => {
      const seen: string[] = []
      for (const process of bounded) {
        const takenBefore = taken()
        const { outcome, code } = await selfTest(process, 'egress', { challenge: newChallenge(random), port })
        const isConnected = outcome === 'connected' || taken() > takenBefore
        if (isOn && isConnected) return fails(`the ${process} connects to a port that is none of its own, although the launcher reports the egress rules`)
        if (!isConnected && outcome !== 'refused') throw new NotReached(`the ${process} did not try to connect (${outcome})`)
        seen.push(`${process} ${isConnected ? 'connected' : `refused${code === undefined ? '' : ` (${code})`}`}`)
      }
      const evidence = `a connection to a listener of ours: ${seen.join(', ')}`
      return isOn ? holds(evidence) : partial(`missing: egressRules (${rules.reason ?? rules.status}); ${evidence}`)
    })
  },
}

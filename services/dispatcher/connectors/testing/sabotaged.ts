import { after } from 'node:test'
import { mtnMomoUnderTest } from '../mtn-momo/testing/under-test.ts'
import { declareConformance } from './conformance.ts'
import type { RunningNetwork } from './network-under-test.ts'
import { sabotages } from './sabotages.ts'

/** What sabotage.test.ts runs: the suite over an honest connector, and over each that is broken in one way. */
const small = {
  ...mtnMomoUnderTest,
  directions: ['collection'],
  currencies: ['EUR'],
  fails: { collection: [], payout: [], refund: [] },
  refuses: { collection: [], payout: [], refund: [] },
} as const

// One simulator for all of them: they share nothing but its books.
const running = small.start()
after(async () => { await (await running).stop() })
const shared = async (): Promise<RunningNetwork> => ({ ...await running, stop: async () => undefined })

declareConformance({ ...small, name: 'honest', start: shared })
for (const { name, break: breakIt, connecting } of sabotages) {
  declareConformance({
    ...small,
    name,
    async start() {
      const network = await shared()
      return {
        ...network,
        async connect(asked) {
          const honest = await network.connect({ ...asked, ...connecting })
          return { ...honest, ...breakIt(honest) }
        },
      }
    },
  })
}

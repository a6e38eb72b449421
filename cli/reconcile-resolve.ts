import { emit } from '@ngome/contracts'
import { newId, parseId, type Tenant } from '@ngome/kernel'
import { listDifferences, suspendDifference, takeDifferenceStep, type Database, type Difference } from '@ngome/store'
import { exitCodes, Misuse, type Command, type Context } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { byOption, noteOf, whoOf } from './reconcile/who.ts'
import { numberOf } from './reconcile-differences.ts'

type Done = 'resolved' | 'explained' | 'asked' | 'suspended'
const ways = { explain: 'explained', ask: 'asked', suspend: 'suspended' } as const

export const reconcileResolve: Command = {
  name: 'reconcile resolve',
  summary: 'Work a difference off: end it with a note, explain it, ask the network again, or move its money into suspense.',
  operands: [{ name: 'number', about: 'as ngome reconcile differences lists it', isRequired: true }],
  options: {
    note: { type: 'string', value: 'TEXT', about: 'why; it stays in the trail', isRequired: true },
    by: byOption,
    explain: { type: 'boolean', about: 'only write the note; the difference stays open' },
    ask: { type: 'boolean', about: 'make the dispatcher ask the network now, whose word alone ends a payment' },
    suspend: { type: 'boolean', about: 'move what differs between the network\u2019s account and suspense, and end it' },
    merchant: { type: 'string', value: 'ID', about: 'with --suspend, of money that is nobody\u2019s: whose account at the network it is' },
  },
  async run(context, { operands, options, isJson }) {
    const number = numberOf('the operand', operands['number'])
    const asked = (Object.keys(ways) as (keyof typeof ways)[]).filter((way) => options[way] === true)
    if (asked.length > 1) throw new Misuse('--explain, --ask and --suspend: one of them')
    const [way] = asked
    const done: Done = way === undefined ? 'resolved' : ways[way]
    const step = { difference: number, byWhom: whoOf(options['by']), note: noteOf(options['note']), atMs: context.clock.nowMs() }
    const adjustment = await withDatabase(context, async (db) => {
      const [difference] = await listDifferences(db, { number, after: 0, limit: 1, all: true })
      if (difference === undefined) throw new Misuse('there is no such difference')
      if (done === 'suspended') return suspend(context, db, difference, step, options['merchant'])
      await takeDifferenceStep(db, { ...step, what: done }, eventOf(context, number, done, step.byWhom, null))
      return null
    })
    if (isJson) context.out(JSON.stringify({ number, result: done, adjustment }))
    else context.out(`difference ${number} is ${done}${adjustment === null ? '' : ` by ${adjustment}`}`)
    return exitCodes.done
  },
}

type Step = { readonly difference: number; readonly byWhom: string; readonly note: string; readonly atMs: number }

async function suspend(context: Context, db: Database, difference: Difference, step: Step, named: string | boolean | undefined): Promise<string> {
  const { network, world, deltaMinor, currency } = difference
  if (deltaMinor === 0n) throw new Misuse('nothing of this difference is money that could be moved')
  const merchant = typeof named === 'string' ? parseId('merchant', named) : undefined
  if (named !== undefined && merchant === undefined) throw new Misuse('--merchant is an id such as ngome merchants list shows it')
  const owner = difference.merchant ?? merchant
  if (owner === undefined) throw new Misuse('nobody of ours is known: --merchant says whose account at the network it is')
  if (merchant !== undefined && merchant !== owner) throw new Misuse(`this is ${owner}'s`)
  const tenant: Tenant = { merchant: owner, world }
  const id = newId('adjustment', context)
  await suspendDifference(db, tenant, step, {
    id, kind: deltaMinor > 0n ? 'suspense_in' : 'suspense_out', network, money: { amountMinor: deltaMinor < 0n ? -deltaMinor : deltaMinor, currency },
    reason: step.note, madeBy: step.byWhom, atMs: step.atMs,
  }, eventOf(context, step.difference, 'suspended', step.byWhom, id))
  return id
}

function eventOf(context: Context, difference: number, what: Done, by: string, adjustment: string | null) {
  return emit({ ...context, process: 'operator' }, 'reconciliation.step_taken', null, { difference, what, by, adjustment })
}

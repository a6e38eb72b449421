import { listDifferences, readDifferenceTrail } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'
import { differenceLine, differenceView, trailLine } from './reconcile/difference-lines.ts'
import { numberOf } from './reconcile-differences.ts'

export const reconcileShow: Command = {
  name: 'reconcile show',
  summary: 'Show a difference with all that was done about it.',
  operands: [{ name: 'number', about: 'as ngome reconcile differences lists it', isRequired: true }],
  options: {},
  async run(context, { operands, isJson }) {
    const number = numberOf('the operand', operands['number'])
    const { difference, trail } = await withDatabase(context, async (db) => {
      const [found] = await listDifferences(db, { number, after: 0, limit: 1, all: true })
      if (found === undefined) throw new Misuse('there is no such difference')
      return { difference: found, trail: await readDifferenceTrail(db, number) }
    })
    if (isJson) context.out(JSON.stringify({ ...differenceView(difference), trail }))
    else for (const line of [differenceLine(difference), ...trail.map(trailLine)]) context.out(plainLine(line))
    return exitCodes.done
  },
}

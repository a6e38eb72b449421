import { readReconciliation } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'
import { deltaText } from './reconcile/difference-lines.ts'

export const reconcileStatus: Command = {
  name: 'reconcile status',
  summary: 'What networks reported, what of it agrees with us, and what is left to work off. Exit code 1 while there is something.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const { reports, movements, open } = await withDatabase(context, readReconciliation)
    if (isJson) {
      context.out(JSON.stringify({ reports, movements, open: open.map((one) => ({ ...one, deltaMinor: String(one.deltaMinor) })) }))
    } else {
      const lines = [
        ...reports.map(({ id, network, world, movements: count, fromMs, toMs, isWhole, beganBy }) => (
          `report ${id}  ${network}  ${world}  ${count} movements  ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}  by ${beganBy}${isWhole ? '' : '  NOT WHOLE: import the file again'}`)),
        ...movements.map(({ network, verdict, count }) => `${network}  ${count} ${verdict}`),
        ...open.length === 0 ? ['no difference is open'] : open.map((one) => `OPEN  ${one.network}  ${one.count} ${one.kind}  ${deltaText(one)}`),
      ]
      for (const line of lines) context.out(plainLine(line))
    }
    return open.length === 0 ? exitCodes.done : exitCodes.failed
  },
}

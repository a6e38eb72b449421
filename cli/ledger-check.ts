import { checkLedger, type LedgerReport } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withAuditor } from './operator/load.ts'
import { plainLine } from './plain-text.ts'

export const ledgerCheck: Command = {
  name: 'ledger check',
  summary: 'Compare payments, settlements, adjustments, transfers, sums and closed days with one another. Exit code 1 unless all agree.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const report = await withAuditor(context, checkLedger)
    const findings = findingsOf(report)
    if (isJson) context.out(JSON.stringify({ holds: findings.every(({ found }) => found.length === 0), ...report }))
    else for (const line of linesOf(report, findings)) context.out(plainLine(line))
    return findings.every(({ found }) => found.length === 0) ? exitCodes.done : exitCodes.failed
  },
}

type Finding = { readonly what: string; readonly found: readonly string[] }

/** How many of a kind are named; `--json` names all that were looked for. */
const namedMax = 10

/** Each thing that was compared, with what differs; none in a true ledger. */
export function findingsOf({ wrong, misheld, days }: LedgerReport): readonly Finding[] {
  return [
    { what: 'payments, settlements, adjustments and their transfers agree', found: wrong },
    { what: 'the ledger is of this cluster', found: days.isForeign ? ['it was written in another: ngome ledger rebuild-sums'] : [] },
    { what: 'sums are those of all transfers, and none is below nothing', found: misheld },
    { what: 'closed days follow from the day before and from their transfers', found: days.wrongDays.map(({ account, day }) => `${day} ${account}`) },
    { what: 'closed days are as they were closed', found: days.brokenDays },
    { what: 'every posted transfer is in exactly one day', found: days.unbooked },
    { what: 'days are closed in time', found: days.lateDays },
  ]
}

function linesOf(report: LedgerReport, findings: readonly Finding[]): readonly string[] {
  const states = Object.entries(report.byStatus).map(([status, count]) => `${count} ${status}`).join(', ')
  return [
    `${report.payments} payments${states === '' ? '' : `: ${states}`}`,
    `${report.days.closedDays} closed days${report.days.lastClosedDay === null ? '' : `, the last ${report.days.lastClosedDay}`}`,
    ...findings.flatMap(({ what, found }) => [
      `${found.length === 0 ? 'holds' : 'FAILS'}  ${what}${found.length === 0 ? '' : `: ${found.length}`}`,
      ...found.slice(0, namedMax).map((one) => `         ${one}`),
      ...found.length > namedMax ? [`         and ${found.length - namedMax} more`] : [],
    ]),
  ]
}

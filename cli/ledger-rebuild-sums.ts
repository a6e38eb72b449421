import { rebuildLedgerSums } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

export const ledgerRebuildSums: Command = {
  name: 'ledger rebuild-sums',
  summary: 'Make every account\u2019s sum anew from its transfers, which a ledger needs that was read into another cluster.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const rebuilt = await withDatabase(context, rebuildLedgerSums)
    if (isJson) context.out(JSON.stringify(rebuilt))
    else {
      context.out(`the sums of ${rebuilt.accounts} accounts were made anew`)
      if (rebuilt.isNewEra) context.out(`the ledger came from another cluster: its era ${rebuilt.era} begins here`)
    }
    return exitCodes.done
  },
}

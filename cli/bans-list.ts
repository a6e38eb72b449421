import { listBans } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

export const bansList: Command = {
  name: 'bans list',
  summary: 'List the networks that the gateways refuse, with why and for how long.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const bans = (await withDatabase(context, (db) => listBans(db))).filter(({ secondsLeft }) => secondsLeft > 0)
    if (isJson) context.out(JSON.stringify(bans))
    else printList(context, bans, ({ network, secondsLeft, bannedBy, times, reason }) => (
      `${network}  ${secondsLeft} s left  by ${bannedBy}, ${times} in a row  ${reason}`
    ), 'no network is banned')
    return exitCodes.done
  },
}

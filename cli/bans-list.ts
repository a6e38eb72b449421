import { listBans } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'

export const bansList: Command = {
  name: 'bans list',
  summary: 'List the networks that the gateways refuse, with why and for how long.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const bans = (await withDatabase(context, (db) => listBans(db))).filter(({ secondsLeft }) => secondsLeft > 0)
    if (isJson) context.out(JSON.stringify(bans))
    else for (const { network, secondsLeft, bannedBy, times, reason } of bans) {
      context.out(plainLine(`${network}  ${secondsLeft} s left  by ${bannedBy}, ${times} in a row  ${reason}`))
    }
    return exitCodes.done
  },
}

import { listApiKeys } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { merchantOrFirst } from './operator/find-merchant.ts'
import { keyLines, keyView, remindersOf } from './operator/key-view.ts'
import { withDatabase } from './operator/load.ts'
import { printList } from './print-list.ts'

export const keysList: Command = {
  name: 'keys list',
  summary: 'List a merchant\'s API keys of the test world, by their first characters: what each may do, its age, its end, its last use, and whether it is to be rolled.',
  operands: [{ name: 'merchant', about: 'whose keys; the first merchant\'s where it is left out', isRequired: false }],
  options: {},
  async run(context, { operands, isJson }) {
    const { merchant, rows, policy } = await withDatabase(context, async (db, config) => {
      const found = await merchantOrFirst(db, operands['merchant'])
      return {
        merchant: found, rows: await listApiKeys(db, { merchant: found, world: 'test' }),
        policy: remindersOf(config),
      }
    })
    const nowMs = context.clock.nowMs()
    if (isJson) context.out(JSON.stringify(rows.map((row) => keyView(row, policy, nowMs))))
    else printList(context, rows, (row) => keyLines(keyView(row, policy, nowMs), row), `${merchant} has no API key: ngome keys issue ${merchant}`)
    return exitCodes.done
  },
}

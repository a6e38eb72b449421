import { exitCodes, type Command } from './command.ts'
import { createApiKey } from './operator/create-api-key.ts'
import { merchantOrFirst } from './operator/find-merchant.ts'
import { keySettingsOf, keySettingsOptions } from './operator/key-settings.ts'
import { withOperator } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const keysIssue: Command = {
  name: 'keys issue',
  summary: 'Issue an API key for the test world. Its text is printed once and kept nowhere.',
  operands: [{ name: 'merchant', about: 'whose key it is; the first merchant where it is left out', isRequired: false }],
  options: { ...keySettingsOptions, ...personOptions },
  async run(context, given) {
    const { operands, options, isJson } = given
    const settings = keySettingsOf(options, context.clock.nowMs())
    const person = await personOf(context, given)
    const { merchant, key } = await withOperator(context, async (access) => {
      const owner = await merchantOrFirst(access.db, operands['merchant'])
      return { merchant: owner, key: await createApiKey(access, { merchant: owner, world: 'test' }, settings) }
    }, person)
    key.text.expose((text) => context.out(isJson ? JSON.stringify({ key: key.id, merchant, world: 'test', text }) : text))
    return exitCodes.done
  },
}

import { exitCodes, Misuse, type Command } from './command.ts'
import { createMerchant } from './operator/create-merchant.ts'
import { withOperator } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

/** As the table bounds it: a name is for people to read. */
const nameLengthMax = 200

export const merchantsAdd: Command = {
  name: 'merchants add',
  summary: 'Add a merchant to the test world.',
  operands: [{ name: 'name', about: 'what people call it', isRequired: true }],
  options: personOptions,
  async run(context, given) {
    const { operands, isJson } = given
    const person = await personOf(context, given)
    const name = operands['name'] ?? ''
    if (name.trim() === '' || name.length > nameLengthMax) throw new Misuse(`a name has 1 to ${nameLengthMax} characters`)
    const merchant = await withOperator(context, (access) => createMerchant(access, name), person)
    context.out(isJson ? JSON.stringify({ merchant, name }) : merchant)
    return exitCodes.done
  },
}

import { exitCodes, type Command } from './command.ts'
import { configOf } from './operator/load.ts'
import { operatorIdentity } from './operator/operator-access.ts'

export const vaultPin: Command = {
  name: 'vault pin',
  summary: 'Print the custodian\'s statement key: what clients that seal values or verify signed answers have built in.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    // From the custodian, over a connection that its own authority vouches for; the gateway is not asked.
    const operator = await operatorIdentity(configOf(context), context)
    const statementKey = operator.identity.statementKey.export({ format: 'jwk' }).x ?? ''
    operator.close()
    context.out(isJson ? JSON.stringify({ statementKey }) : statementKey)
    return exitCodes.done
  },
}

import type { Command } from './command.ts'
import { sayEnd, wordsOf } from './operator/end-settlement.ts'

export const settleFailed: Command = {
  name: 'settle failed',
  summary: 'Say that the bank did not pay a settlement: its money is available again.',
  operands: [{ name: 'settlement', about: 'its id', isRequired: true }],
  options: { reason: { type: 'string', value: 'TEXT', about: 'why not; the merchant reads it', isRequired: true } },
  async run(context, { operands, options, isJson }) {
    return sayEnd(context, operands['settlement'], { state: 'failed', failure: wordsOf('--reason', options['reason'], 200) }, isJson)
  },
}

import type { Command } from './command.ts'
import { sayEnd, wordsOf } from './operator/end-settlement.ts'

export const settlePaid: Command = {
  name: 'settle paid',
  summary: 'Say that the bank paid a settlement, by its reference.',
  operands: [{ name: 'settlement', about: 'its id', isRequired: true }],
  options: { reference: { type: 'string', value: 'TEXT', about: 'the bank\u2019s word for it', isRequired: true } },
  async run(context, { operands, options, isJson }) {
    return sayEnd(context, operands['settlement'], { state: 'paid', bankReference: wordsOf('--reference', options['reference'], 64) }, isJson)
  },
}

import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withOperator } from './operator/load.ts'
import { parseDuration } from './operator/parse-duration.ts'
import { rollApiKey } from './operator/roll-api-key.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

/** An overlap is for a deployment, not for a season. */
const overlapDaysMax = 90

const reasons = {
  unknown: 'there is no such key', revoked: 'it was revoked: issue another with ngome keys issue',
  ending: 'it ends before the overlap would: issue another with ngome keys issue',
} as const

export const keysRoll: Command = {
  name: 'keys roll',
  summary: 'Issue another API key that may do what this one may, which works on until the overlap is over.',
  operands: [{ name: 'key', about: 'the id of the key that is replaced', isRequired: true }],
  options: {
    overlap: { type: 'string', value: 'TIME', about: `how long both work, such as 30m, 24h or 7d; 24h where it is left out, ${overlapDaysMax}d at most` },
    ...personOptions,
  },
  async run(context, given) {
    const { operands, options, isJson } = given
    const key = parseId('apiKey', operands['key'] ?? '')
    if (key === undefined) throw new Misuse('that is no id of a key, such as key_01h455vb4pex5vsknk084sn02q: ngome keys list')
    const overlapMs = parseDuration('overlap', typeof options['overlap'] === 'string' ? options['overlap'] : '24h', overlapDaysMax)
    const person = await personOf(context, given)
    const rolled = await withOperator(context, (access) => rollApiKey(access, key, overlapMs), person)
    if (rolled.kind !== 'rolled') {
      if (isJson) context.out(JSON.stringify({ key, result: rolled.kind }))
      else context.err(`ngome: ${key}: ${reasons[rolled.kind]}`)
      return exitCodes.failed
    }
    const { successor, text, endsAtMs, tenant } = rolled
    const worksUntil = new Date(endsAtMs).toISOString()
    text.expose((value) => context.out(isJson ? JSON.stringify({ key, result: 'rolled', worksUntil, successor, text: value, ...tenant }) : value))
    if (!isJson) context.err(`${key} works until ${worksUntil}; ${successor} takes its place`)
    return exitCodes.done
  },
}

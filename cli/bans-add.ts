import { networkOf } from '@ngome/access'
import { emit } from '@ngome/contracts'
import { operatorBanSecondsMax } from '@ngome/kernel'
import { banByOperator } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

const secondsPerHour = 3_600
const hoursDefault = 24

export const bansAdd: Command = {
  name: 'bans add',
  summary: 'Ban an address from every gateway, within seconds; of an IPv6 address its /64.',
  operands: [{ name: 'address', about: 'IPv4 or IPv6', isRequired: true }],
  options: {
    hours: { type: 'string', value: 'NUMBER', about: `for how long; ${hoursDefault} where it is left out, at most a month` },
    reason: { type: 'string', value: 'TEXT', about: 'why, for whoever lists bans' },
  },
  async run(context, { operands, options, isJson }) {
    const network = networkOf(operands['address'] ?? '')
    if (network === undefined) throw new Misuse('that is no address, such as 192.0.2.1 or 2001:db8::1')
    const seconds = Number(options['hours'] ?? hoursDefault) * secondsPerHour
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > operatorBanSecondsMax) {
      throw new Misuse(`--hours takes a number up to ${operatorBanSecondsMax / secondsPerHour}`)
    }
    const reason = typeof options['reason'] === 'string' ? options['reason'] : 'operator'
    if (!/^[\x20-\x7e]{1,64}$/.test(reason)) throw new Misuse('--reason takes up to 64 plain characters')
    const event = emit({ ...context, process: 'operator' }, 'gateway.banned', null, { network, reason, seconds })
    const neverBanned = await withDatabase(context, async (db, config) => {
      await banByOperator(db, { network, seconds, reason }, event)
      return config.gateway.neverBanned
    })
    if (isJson) context.out(JSON.stringify({ network, seconds, reason }))
    else context.out(`${network} is banned for ${seconds} s, but where it is in gateway.neverBanned (${neverBanned.join(', ')})`)
    return exitCodes.done
  },
}

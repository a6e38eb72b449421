import { networkChecksSchema, type NetworkCheck } from '@ngome/contracts'
import { exitCodes, type Command } from './command.ts'
import { configOf } from './operator/load.ts'
import { operatorIdentity } from './operator/operator-access.ts'
import { postToProcess } from './operator/post-to-process.ts'
import { processAgent } from './operator/process-agent.ts'
import { printList } from './print-list.ts'

/** A token, a balance and a second try of each, at networks that take all the time that they are given. */
const answerMsMax = 120_000
/** More than a second here or there: signatures and tokens with times in them are refused by minutes. */
const skewSMax = 30

export const providersCheck: Command = {
  name: 'providers check',
  summary: 'Have the dispatcher ask each network whether it takes the credentials, and for the balance. Exit code 1 unless all credentials are good.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const config = configOf(context)
    const { clock, random } = context
    const operator = await operatorIdentity(config, { clock, random })
    try {
      const { internalHost: host, internalPort: port } = config.dispatcher
      const agent = processAgent(operator.identity, 'dispatcher')
      const { status, text } = await postToProcess({ agent, host, port, path: '/network-checks' }, {}, answerMsMax)
      if (status !== 200) throw new Error(`the dispatcher answered with ${status}`)
      const { data } = networkChecksSchema.parse(JSON.parse(text))
      if (isJson) context.out(JSON.stringify(data))
      else printList(context, data, linesOf, 'no network is configured')
      return data.every(isUsable) ? exitCodes.done : exitCodes.failed
    } finally {
      operator.close()
    }
  },
}

/** Whether a payment of each of its directions could be asked for now. */
export function isUsable({ products }: NetworkCheck): boolean {
  return products.length > 0 && products.every(({ outcome, clock_skew_s }) => outcome === 'good' && Math.abs(clock_skew_s ?? 0) <= skewSMax)
}

const words = {
  good: 'its credentials are good',
  refused: 'it refuses the credentials: look into providers.json in the dispatcher\'s folder',
  failing: 'it answers, and not that they are good',
  away: 'it does not answer',
} as const

/** A line of the network, and one of each product. */
export function linesOf(check: NetworkCheck): readonly string[] {
  const { network, world, connector, directions, balance, products } = check
  return [
    [isUsable(check) ? 'good ' : 'FAILS', network, world, connector, directions.join(','),
      balance === null ? 'balance not told' : `balance ${balance.amount} ${balance.currency}`].join('  '),
    ...products.length === 0 ? ['       its connector cannot be asked apart from payments'] : [],
    ...products.map(({ product, outcome, status, clock_skew_s: skewS }) => [
      `       ${product}: ${words[outcome]}${status === null || outcome === 'good' ? '' : ` (${status})`}`,
      ...skewS !== null && Math.abs(skewS) > skewSMax ? [`its clock is ${Math.abs(skewS)} s ${skewS > 0 ? 'ahead of' : 'behind'} ours`] : [],
    ].join('; ')),
  ]
}

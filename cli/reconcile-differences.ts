import { writeFile } from 'node:fs/promises'
import { differenceKinds, type DifferenceKind } from '@ngome/contracts'
import { formatMoney } from '@ngome/kernel'
import { csv } from '@ngome/payments'
import { listDifferences, type Difference } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'
import { printList } from './print-list.ts'
import { differenceLine, differenceView } from './reconcile/difference-lines.ts'

/** As many as somebody reads at once; `--after` goes on. */
const pageMax = 500

export const reconcileDifferences: Command = {
  name: 'reconcile differences',
  summary: 'List what networks and we say differently, the oldest first, 500 at a time.',
  operands: [],
  options: {
    network: { type: 'string', value: 'NAME', about: 'of this network alone' },
    world: { type: 'string', value: 'WORLD', about: 'of test or live alone' },
    kind: { type: 'string', value: 'KIND', about: differenceKinds.join(', ') },
    after: { type: 'string', value: 'NUMBER', about: 'those after this one' },
    all: { type: 'boolean', about: 'those that are worked off as well' },
    csv: { type: 'string', value: 'FILE', about: 'write them there for a spreadsheet; nothing may be there yet' },
  },
  async run(context, { options, isJson }) {
    const kind = differenceKinds.find((one) => one === options['kind'])
    if (options['kind'] !== undefined && kind === undefined) throw new Misuse(`--kind is one of ${differenceKinds.join(', ')}`)
    const after = numberOf('--after', options['after'] ?? '0')
    const network = typeof options['network'] === 'string' ? options['network'] : undefined
    const filter = {
      network, kind: kind satisfies DifferenceKind | undefined, world: options['world'] === undefined ? undefined : worldOf(options['world']),
      all: options['all'] === true, after, limit: pageMax,
    }
    const listed = await withDatabase(context, (db) => listDifferences(db, filter))
    const file = options['csv']
    if (typeof file === 'string') await writeFile(file, differencesCsv(listed), { flag: 'wx', mode: 0o600 })
    if (isJson) context.out(JSON.stringify(listed.map(differenceView)))
    else if (typeof file === 'string') context.out(`${listed.length} differences are in ${file}`)
    else printList(context, listed, differenceLine, 'no difference is open')
    return exitCodes.done
  },
}

/** @throws Misuse */
export function numberOf(what: string, text: string | boolean | undefined): number {
  if (typeof text !== 'string' || !/^(?:0|[1-9][0-9]{0,8})$/.test(text)) throw new Misuse(`${what} is a number of a difference`)
  return Number(text)
}

/** For a spreadsheet, which runs nothing of it. */
export function differencesCsv(listed: readonly Difference[]): string {
  const headers = ['number', 'network', 'kind', 'state', 'delta', 'currency', 'found_at', 'merchant', 'payment', 'report', 'line', 'occurred_at', 'direction', 'status',
    'amount', 'reference', 'network_reference']
  return csv([headers, ...listed.map(({ number, network, kind, state, deltaMinor, currency, foundAtMs, merchant, payment, movement }) => [
    number, network, kind, state, formatMoney({ amountMinor: deltaMinor, currency }), currency, new Date(foundAtMs).toISOString(), merchant, payment,
    ...movement === null ? Array.from({ length: 8 }, () => null) : [
      movement.report, movement.line, new Date(movement.occurredAtMs).toISOString(), movement.direction, movement.status,
      formatMoney({ amountMinor: movement.amountMinor, currency }), movement.reference, movement.networkReference,
    ],
  ])])
}

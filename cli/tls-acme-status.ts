import { X509Certificate } from 'node:crypto'
import { findAcmeOrders, type AcmeOrderRow } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

const failing: readonly AcmeOrderRow['state'][] = ['failed', 'refused']

export const tlsAcmeStatus: Command = {
  name: 'tls acme status',
  summary: 'Say how far each gateway\'s certificate by ACME is, what failed, and when it is renewed.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const newest = await withDatabase(context, async (db, { gateway: { tls: { acme } } }) => {
      if (acme === undefined) throw new Misuse('no certificates are ordered by ACME: set gateway.tls.acme')
      const rows = await findAcmeOrders(db)
      const instances = [...new Set(rows.map(({ instance }) => instance))]
      return instances.map((instance) => viewOf(rows.filter((row) => row.instance === instance)))
    })
    if (isJson) context.out(JSON.stringify(newest))
    else if (newest.length === 0) context.out('no gateway has ordered a certificate yet')
    else newest.forEach((view) => { print(view, context.out) })
    return newest.length > 0 && newest.every(({ isWell }) => isWell) ? exitCodes.done : exitCodes.failed
  },
}

type View = ReturnType<typeof viewOf>

/** @param rows of one gateway's folder, newest first */
function viewOf(rows: readonly AcmeOrderRow[]) {
  const [last] = rows
  if (last === undefined) throw new TypeError('a folder without an order')
  const served = rows.find(({ state }) => state === 'installed')
  const { instance, id: order, state, names, tries, problem, detail, refusal, dueAtMs } = last
  const isOpen = state === 'requested' || state === 'ordered' || state === 'issued'
  return {
    instance, order, state, names, tries, problem, detail, refusal,
    dueAt: isOpen ? new Date(dueAtMs).toISOString() : null,
    account: rows.find(({ account }) => account !== null)?.account ?? null,
    endsAt: served?.chain === undefined || served.chain === null ? null : new X509Certificate(served.chain).validToDate.toISOString(),
    renewAt: served?.renewAtMs === undefined || served.renewAtMs === null ? null : new Date(served.renewAtMs).toISOString(),
    isWell: served !== undefined && !failing.includes(state) && (!isOpen || tries === 0),
  }
}

function print({ instance, state, names, tries, problem, detail, refusal, dueAt, account, endsAt, renewAt }: View, out: (line: string) => void): void {
  out(`${instance}  ${state}  ${names.join(' ')}  ${endsAt === null ? 'none is served' : `the one that is served ends ${endsAt}`}`)
  if (problem !== null) out(`  failed ${tries} times, the last time: ${problem}: ${detail ?? ''}${dueAt === null ? '' : `; again at ${dueAt}`}`)
  if (refusal !== null) out(`  the gateway refused it: ${refusal}`)
  if (renewAt !== null) out(`  the authority would have it renewed at ${renewAt}`)
  if (account !== null) out(`  account, for a CAA record: ${account}`)
}

import { findLastTlsChecks } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withOperator } from './operator/load.ts'
import { printList } from './print-list.ts'
import { publishedSet } from './tls/publish-pins.ts'

type Entry = { readonly at: string; readonly what: string; readonly detail: string }

export const tlsCalendar: Command = {
  name: 'tls calendar',
  summary: 'What comes: ends of certificates, the planned root, and the rotation of pins.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const entries = await withOperator(context, async (access, { gateway: { tls } }): Promise<Entry[]> => {
      const { set } = await publishedSet(access.db, access.statementKey)
      const seen = await Promise.all(tls.watched.map(async (address) => {
        const [last] = await findLastTlsChecks(access.db, address, 1)
        return (last?.observed?.chain ?? []).map(({ subject, notAfter }, depth) => ({
          at: notAfter, what: depth === 0 ? 'certificate ends' : 'authority ends', detail: `${address} ${subject}`,
        }))
      }))
      const root = tls.plannedRootChange
      return [
        ...seen.flat(),
        ...root === undefined ? [] : [{ at: new Date(root.date).toISOString(), what: 'planned root', detail: root.pin }],
        ...set === undefined ? [] : [{ at: set.expires_at, what: 'pin set ends', detail: `version ${set.version}` }],
        ...(set?.pins ?? []).flatMap((pin) => [
          ...pin.role === 'next' ? [{ at: pin.not_before, what: 'pin may be served', detail: pin.spki_sha256 }] : [],
          { at: pin.not_after, what: `${pin.role} pin ends`, detail: pin.spki_sha256 },
        ]),
      ]
    })
    const inOrder = entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    if (isJson) context.out(JSON.stringify(inOrder))
    else printList(context, inOrder, ({ at, what, detail }) => `${at}  ${what.padEnd(18)}  ${detail}`, 'nothing comes: no address was looked at yet, and no pins are published')
    return exitCodes.done
  },
}

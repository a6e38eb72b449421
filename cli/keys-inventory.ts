import { exitCodes, type Command } from './command.ts'
import { cryptoInventory } from './inventory/crypto-inventory.ts'
import { withCustodian } from './operator/load.ts'
import { readKeyInventory } from './operator/read-key-inventory.ts'
import { printList } from './print-list.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

const dayMs = 86_400_000

export const keysInventory: Command = {
  name: 'keys inventory',
  summary: 'List every key and algorithm: state, dates, next rotation. With --json a CycloneDX 1.6 inventory (CBOM).',
  operands: [],
  options: personOptions,
  async run(context, given) {
    const person = await personOf(context, given)
    const { root, keys } = await withCustodian(context, readKeyInventory, { person, role: 'auditor' })
    if (given.isJson) context.out(JSON.stringify(cryptoInventory({ root, keys, nowMs: context.clock.nowMs() })))
    else printList(context, keys, ({ purpose, name, tenant, state, createdAt, nextRotationAt }) => {
      const ageDays = Math.floor((context.clock.nowMs() - Date.parse(createdAt)) / dayMs)
      return `${purpose.padEnd(9)}  ${state.padEnd(12)}  ${String(ageDays).padStart(4)} d  next ${nextRotationAt ?? '-'}  ${name}  ${tenant ?? ''}`.trimEnd()
    }, 'the custodian has no key')
    return exitCodes.done
  },
}

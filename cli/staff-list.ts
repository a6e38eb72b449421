import { exitCodes, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { printList } from './print-list.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const staffList: Command = {
  name: 'staff list',
  summary: 'List the people who may approve, and who admitted them.',
  operands: [],
  options: personOptions,
  async run(context, given) {
    const person = await personOf(context, given)
    const { staff } = await withCustodian(context, (custodian) => custodian.call('/v1/staff', {}), { person, role: 'auditor' })
    if (given.isJson) context.out(JSON.stringify(staff))
    else printList(context, staff, ({ id, name, admittedBy, admittedAt, retiredAt }) => {
      const by = admittedBy.length === 0 ? 'first' : `by ${admittedBy.join(', ')}`
      return `${id}  ${admittedAt}  ${retiredAt === null ? 'present' : 'retired'}  ${name}  ${by}`
    }, 'nobody may approve yet: ngome staff enrol')
    return exitCodes.done
  },
}

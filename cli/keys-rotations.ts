import { exitCodes, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { printList } from './print-list.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const keysRotations: Command = {
  name: 'keys rotations',
  summary: 'List rotations of keys with their progress: what runs first, then the latest.',
  operands: [],
  options: personOptions,
  async run(context, given) {
    const person = await personOf(context, given)
    const { rotations } = await withCustodian(context, (custodian) => custodian.call('/v1/rotations', {}), { person, role: 'auditor' })
    if (given.isJson) context.out(JSON.stringify(rotations))
    else printList(context, rotations, ({ id, level, cause, state, done, total, startedAt, subject, endsAt }) => (
      `${id}  ${startedAt}  ${level.padEnd(8)}  ${cause.padEnd(11)}  ${state.padEnd(7)}  ${done}/${total}  ${subject}${endsAt === null ? '' : `  ends ${endsAt}`}`
    ), 'no key was rotated yet')
    return exitCodes.done
  },
}

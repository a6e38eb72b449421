import { exitCodes, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'

export const keysRotations: Command = {
  name: 'keys rotations',
  summary: 'List rotations of keys with their progress: what runs first, then the latest.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const { rotations } = await withCustodian(context, (custodian) => custodian.call('/v1/rotations', {}))
    if (isJson) context.out(JSON.stringify(rotations))
    else {
      for (const { id, level, cause, state, done, total, startedAt, subject, endsAt } of rotations) {
        context.out(`${id}  ${startedAt}  ${level.padEnd(8)}  ${cause.padEnd(11)}  ${state.padEnd(7)}  ${done}/${total}  ${subject}${endsAt === null ? '' : `  ends ${endsAt}`}`)
      }
    }
    return exitCodes.done
  },
}

import { parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { writeRequest } from './staff/approval-file.ts'

export const staffRetire: Command = {
  name: 'staff retire',
  summary: 'Write the request to retire a person, for others to approve and execute.',
  operands: [{ name: 'staff', about: 'his id', isRequired: true }],
  options: {
    request: { type: 'string', value: 'FILE', about: 'where the request is written', isRequired: true },
    reason: { type: 'string', value: 'TEXT', about: 'why, in 10 to 500 characters', isRequired: true },
  },
  async run(context, { operands, options, isJson }) {
    const staff = parseId('staff', operands['staff'] ?? '')
    if (staff === undefined) throw new Misuse('that is not the id of a person')
    const request = String(options['request'])
    writeRequest(context, request, { operation: '/v1/retire-staff', parameters: { staff }, reason: String(options['reason']) })
    context.out(isJson ? JSON.stringify({ staff, request }) : `Others approve within 15 minutes: ngome staff approve ${request}`)
    return exitCodes.done
  },
}

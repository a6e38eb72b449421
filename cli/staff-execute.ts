import { custodianOperations } from '@ngome/contracts'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withOperator } from './operator/load.ts'
import { approvalOf, readApproval } from './staff/approval-file.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

const operations = ['/v1/admit-staff', '/v1/retire-staff'] as const

export const staffExecute: Command = {
  name: 'staff execute',
  summary: 'Carry out an approved admission or retirement. The custodian checks the approval itself.',
  operands: [{ name: 'file', about: 'the request, signed', isRequired: true }],
  options: personOptions,
  async run(context, given) {
    const file = readApproval(given.operands['file'] ?? '')
    const operation = operations.find((one) => one === file.request.operation)
    if (operation === undefined) throw new Misuse(`this file is to approve ${file.request.operation}, which has a command of its own`)
    const body = custodianOperations[operation].request.safeParse({ ...file.request.parameters, approval: approvalOf(file) })
    if (!body.success) throw new Misuse('nobody has signed this file, or it asks for what cannot be')
    const person = await personOf(context, given)
    const answer = await withOperator(context, ({ custodian }) => custodian.call(operation, body.data), person)
    if (given.isJson) context.out(JSON.stringify({ operation, ...answer }))
    else context.out('staff' in answer ? `${answer.staff} is admitted` : 'retired')
    return exitCodes.done
  },
}

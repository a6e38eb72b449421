import { emit } from '@ngome/contracts'
import { parseId } from '@ngome/kernel'
import { recheckPayment } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

export const paymentsRecheck: Command = {
  name: 'payments recheck',
  summary: 'Have the dispatcher ask the network about a payment now, also where it has succeeded: its own word alone reverses it.',
  operands: [{ name: 'payment', about: 'an id: pay_…, pyt_… or rfd_…', isRequired: true }],
  options: {},
  async run(context, { operands, isJson }) {
    const text = operands['payment'] ?? ''
    const payment = parseId('payment', text) ?? parseId('payout', text) ?? parseId('refund', text)
    if (payment === undefined) throw new Misuse('the operand is the id of a payment, a payout or a refund')
    const tenant = await withDatabase(context, (db) => recheckPayment(db, payment, (of) => (
      emit({ ...context, process: 'operator' }, 'payment.recheck_asked', of, { payment }))))
    if (isJson) context.out(JSON.stringify({ payment, isAsked: tenant !== undefined }))
    else if (tenant === undefined) context.err(`there is nothing to ask about ${payment}: it was not sent, or did not succeed`)
    else context.out(`${payment} of ${tenant.merchant} (${tenant.world}) is asked about; ngome events --follow tells of what comes of it`)
    return tenant === undefined ? exitCodes.failed : exitCodes.done
  },
}

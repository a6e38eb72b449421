import { custodianOperations } from '@ngome/contracts'
import { exitCodes, Misuse, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

const operation = '/v1/revoke-certificate'

export const certificatesRevoke: Command = {
  name: 'certificates revoke',
  summary: 'Revoke a certificate with all that it was renewed from and to. A gateway\'s data keys then open only if they were opened before.',
  operands: [{ name: 'serial', about: 'its serial number, as the list shows it', isRequired: true }],
  options: {
    ...personOptions,
    since: { type: 'string', value: 'DATE', about: 'the earliest moment of the theft (2026-01-31T12:00:00Z): data keys dated before it stay readable' },
  },
  async run(context, given) {
    const { options, operands } = given
    const since = typeof options['since'] === 'string' ? { since: options['since'] } : {}
    const request = custodianOperations[operation].request.safeParse({ serial: operands['serial'] ?? '', ...since })
    if (!request.success) throw new Misuse('a serial number is hexadecimal, and --since a date in UTC such as 2026-01-31T12:00:00Z')
    if (request.data.since !== undefined && Date.parse(request.data.since) > context.clock.nowMs()) throw new Misuse('--since is not in the future')
    const person = await personOf(context, given)
    await withCustodian(context, (custodian) => custodian.call(operation, request.data), { person })
    context.out(given.isJson ? JSON.stringify(request.data) : `${request.data.serial} is revoked, with its line of renewals`)
    return exitCodes.done
  },
}

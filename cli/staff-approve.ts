import { Fault, parseId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { linesOf, readApproval, signApproval } from './staff/approval-file.ts'
import { personOptions, readStaffKey } from './staff/staff-key.ts'

export const staffApprove: Command = {
  name: 'staff approve',
  summary: 'Show what a request asks for, and sign it where --sign is given. Needs no platform: the file goes from one to the next.',
  operands: [{ name: 'file', about: 'the request', isRequired: true }],
  options: { ...personOptions, sign: { type: 'boolean', about: 'sign it, having read it' } },
  async run(context, { operands, options, isJson }) {
    const path = operands['file'] ?? ''
    const file = readApproval(path)
    if (!isJson) for (const line of linesOf(file)) context.out(line)
    if (Date.parse(file.request.expires_at) <= context.clock.nowMs()) throw new Fault('launcher/failed', 'this request has ended')
    if (options['sign'] === true) {
      const { key, staff } = options
      const id = typeof staff === 'string' ? parseId('staff', staff) : undefined
      if (typeof key !== 'string' || id === undefined) throw new Misuse('to sign, give --key FILE and --staff ID')
      signApproval(path, file, { id, privateKey: await readStaffKey(context, key) })
      if (!isJson) context.out(`signed as ${id}`)
    } else if (!isJson) context.out('nothing was signed; to sign it, add --sign')
    const { request, signatures } = readApproval(path)
    if (isJson) context.out(JSON.stringify({ request, signedBy: signatures.map((signature) => signature.staff) }))
    return exitCodes.done
  },
}

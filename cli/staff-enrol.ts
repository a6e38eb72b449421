import { sign } from 'node:crypto'
import { staffAdmissionBytes } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { configOf, withOperator } from './operator/load.ts'
import { writeRequest } from './staff/approval-file.ts'
import { makeStaffKey } from './staff/staff-key.ts'

const reasonOfFirst = 'the first person of this custodian'

export const staffEnrol: Command = {
  name: 'staff enrol',
  summary: 'Make a person\'s key. The first person is admitted at once; for later ones a request is written for others to approve.',
  operands: [{ name: 'name', about: 'what people call him', isRequired: true }],
  options: {
    key: { type: 'string', value: 'FILE', about: 'where his key is written, for him alone', isRequired: true },
    request: { type: 'string', value: 'FILE', about: 'where the request to admit him is written; not for the first person' },
    reason: { type: 'string', value: 'TEXT', about: 'why he is needed, in 10 to 500 characters; not for the first person' },
    unencrypted: { type: 'boolean', about: 'a key without a passphrase, where no network is of the live world' },
  },
  async run(context, { operands, options, isJson }) {
    const [name, path] = [operands['name'] ?? '', String(options['key'])]
    const isEncrypted = options['unencrypted'] !== true
    const isLive = Object.values(configOf(context).networks).some(({ world }) => world === 'live')
    if (!isEncrypted && isLive) throw new Misuse('a key without a passphrase is for the test world only')
    const { request, reason } = options
    return withOperator(context, async ({ custodian }) => {
      const { staff: known } = await custodian.call('/v1/staff', {})
      if (known.length > 0 && (typeof request !== 'string' || typeof reason !== 'string')) {
        throw new Misuse('others have to approve this: give --request FILE and --reason TEXT')
      }
      const { privateKey, publicKey } = await makeStaffKey(context, path, { isEncrypted })
      const proof = toBase64Url(sign(null, staffAdmissionBytes(name, publicKey), privateKey))
      const parameters = { name, publicKey, proof }
      if (typeof request === 'string' && typeof reason === 'string' && known.length > 0) {
        writeRequest(context, request, { operation: '/v1/admit-staff', parameters, reason })
        if (isJson) context.out(JSON.stringify({ name, publicKey, key: path, request }))
        else context.out(`${path} is the key of ${name}. Others approve within 15 minutes: ngome staff approve ${request}`)
        return exitCodes.done
      }
      const { staff } = await custodian.call('/v1/admit-staff', parameters)
      if (isJson) context.out(JSON.stringify({ staff, name, publicKey, key: path }))
      else context.out(`${staff} is ${name}, ${reasonOfFirst}; ${path} is the key`)
      return exitCodes.done
    })
  },
}

import { rotatableSecretNames, type CustodianRequest } from '@ngome/contracts'
import type { RotationId } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { exitCodes, Misuse, type Command, type Given } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withCustodian } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'Replace the root key, the certificate authority, a merchant\'s present keys or index key, or a secret, while everything runs. No record is touched.',
  operands: [
    { name: 'level', about: 'root, authority, merchant, index or secret', isRequired: true },
    { name: 'subject', about: `the merchant whose keys, or which secret: ${rotatableSecretNames.join(', ')}`, isRequired: false },
  ],
  options: {
    world: { type: 'string', value: 'WORLD', about: 'test (where it is left out) or live' },
    compromised: { type: 'boolean', about: 'others know it: of a merchant\'s keys those published ahead are replaced too, and an authority within minutes' },
    end: { type: 'string', value: 'DATE', about: 'of a secret: when the versions before end, whatever hangs on them; else by keys.policy' },
    ...personOptions,
  },
  async run(context, given) {
    const person = await personOf(context, given)
    const rotation = await withCustodian(context, (custodian) => rotate(custodian, given), { person })
    context.out(given.isJson ? JSON.stringify({ rotation }) : `${rotation}: ngome keys rotations shows how far it is`)
    return exitCodes.done
  },
}

async function rotate(custodian: CustodianClient, { operands, options }: Given): Promise<RotationId> {
  const { level, subject } = operands
  const compromised = options['compromised'] === true
  if (level === 'root' && subject === undefined) return (await custodian.call('/v1/rotate-root-key', {})).rotation
  if (level === 'authority' && subject === undefined) return (await custodian.call('/v1/rotate-authority', { compromised })).rotation
  if (level === 'merchant') {
    const request = { merchant: merchantId(subject), world: worldOf(options['world']), compromised }
    return (await custodian.call('/v1/rotate-merchant-keys', request)).rotation
  }
  if (level === 'index') {
    return (await custodian.call('/v1/rotate-index-key', { merchant: merchantId(subject), world: worldOf(options['world']), compromised })).rotation
  }
  if (level === 'secret') return (await custodian.call('/v1/rotate-secret', { ...secretOf(subject, options['end']), compromised })).rotation
  throw new Misuse('the level is root or authority, alone, or merchant or index with the merchant\'s id, or secret with its name')
}

function secretOf(subject: string | undefined, end: unknown): Pick<CustodianRequest<'/v1/rotate-secret'>, 'name' | 'endAt'> {
  const name = rotatableSecretNames.find((one) => one === subject)
  if (name === undefined) throw new Misuse(`the secret is one of ${rotatableSecretNames.join(', ')}`)
  if (end === undefined) return { name, endAt: null }
  const endAtMs = typeof end === 'string' ? Date.parse(end) : Number.NaN
  if (Number.isNaN(endAtMs)) throw new Misuse('--end is a date, such as 2027-01-31')
  return { name, endAt: new Date(endAtMs).toISOString() }
}

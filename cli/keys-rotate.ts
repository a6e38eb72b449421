import type { RotationId, World } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withCustodian } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'Replace the root key, or a merchant\'s present keys, while everything runs. No record is touched.',
  operands: [
    { name: 'level', about: 'root or merchant', isRequired: true },
    { name: 'merchant', about: 'whose keys, where the level is merchant', isRequired: false },
  ],
  options: {
    world: { type: 'string', value: 'WORLD', about: 'test (where it is left out) or live' },
    compromised: { type: 'boolean', about: 'others know the merchant\'s keys: those published ahead are replaced too' },
  },
  async run(context, { operands, options, isJson }) {
    const { level, merchant } = operands
    const rotation = await withCustodian(context, async (custodian): Promise<RotationId> => {
      if (level === 'root' && merchant === undefined) return (await custodian.call('/v1/rotate-root-key', {})).rotation
      if (level !== 'merchant') throw new Misuse('the level is root, alone, or merchant with the merchant\'s id')
      const request: { merchant: ReturnType<typeof merchantId>; world: World; compromised: boolean } = {
        merchant: merchantId(merchant), world: worldOf(options['world']), compromised: options['compromised'] === true,
      }
      return (await custodian.call('/v1/rotate-merchant-keys', request)).rotation
    })
    context.out(isJson ? JSON.stringify({ rotation }) : `${rotation}: ngome keys rotations shows how far it is`)
    return exitCodes.done
  },
}

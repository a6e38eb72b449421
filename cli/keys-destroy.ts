import { readFileSync, statSync } from 'node:fs'
import { approvalSchema, type Approval } from '@ngome/contracts'
import { parseId, type MerchantKeyId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { allMerchants, merchantId } from './operator/find-merchant.ts'
import { withDatabase, withCustodian } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'

/** A request of 8 KiB and a few signatures. */
const approvalBytesMax = 65_536

export const keysDestroy: Command = {
  name: 'keys destroy',
  summary: 'Order the destruction of a merchant\'s keys, which two people have approved. It waits, and can be cancelled.',
  operands: [{ name: 'merchant', about: 'whose keys; frozen, where all of them go', isRequired: true }],
  options: {
    approval: { type: 'string', value: 'FILE', about: 'the approval of /v1/destroy-merchant-keys with two signatures', isRequired: true },
    key: { type: 'string', value: 'KEY', about: 'only this key, which is no longer active; else all of the merchant\'s keys' },
    world: { type: 'string', value: 'WORLD', about: 'test (where it is left out) or live' },
  },
  async run(context, { operands, options, isJson }) {
    const merchant = merchantId(operands['merchant'])
    const key = keyOf(options['key'])
    const approval = readApproval(String(options['approval']))
    // A gateway would go on sealing to keys that nobody can open any more.
    if (key === null && !await withDatabase(context, async (db) => {
      for await (const row of allMerchants(db)) if (row.id === merchant) return row.frozenAtMs !== null
      return false
    })) throw new Misuse('freeze the merchant first: ngome merchants freeze')
    const ordered = await withCustodian(context, (custodian) => (
      custodian.call('/v1/destroy-merchant-keys', { merchant, world: worldOf(options['world']), key, approval })
    ))
    if (isJson) context.out(JSON.stringify(ordered))
    else context.out(`${ordered.destruction} happens at ${ordered.dueAt}; ngome keys cancel ${ordered.destruction} calls it back`)
    return exitCodes.done
  },
}

function keyOf(option: string | boolean | undefined): MerchantKeyId | null {
  if (option === undefined) return null
  const key = parseId('merchantKey', String(option))
  if (key === undefined) throw new Misuse('that is not a merchant key\'s id, such as mek_01h455vb4pex5vsknk084sn02q')
  return key
}

function readApproval(path: string): Approval {
  try {
    if (statSync(path).size > approvalBytesMax) throw new Misuse(`${path} is too large for an approval`)
    return approvalSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (cause instanceof Misuse) throw cause
    throw new Misuse(`${path} is not an approval`, { cause })
  }
}

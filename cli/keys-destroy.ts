import { custodianOperations } from '@ngome/contracts'
import { parseId, type MerchantId, type MerchantKeyId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command, type Context } from './command.ts'
import { awaitedTexts } from './operator/awaited-texts.ts'
import { allMerchants, merchantId } from './operator/find-merchant.ts'
import { withCustodian, withDatabase } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'
import { approvalOf, readApproval, writeRequest } from './staff/approval-file.ts'

const operation = '/v1/destroy-merchant-keys'

export const keysDestroy: Command = {
  name: 'keys destroy',
  summary: 'Destroy a merchant\'s keys: first write the request, then, when two people have signed it, order it. It waits, and can be cancelled.',
  operands: [{ name: 'merchant', about: 'whose keys; frozen, where all of them go', isRequired: true }],
  options: {
    request: { type: 'string', value: 'FILE', about: 'first step: where the request is written' },
    reason: { type: 'string', value: 'TEXT', about: 'first step: why, in 10 to 500 characters' },
    approval: { type: 'string', value: 'FILE', about: 'second step: the request, signed by two people' },
    key: { type: 'string', value: 'KEY', about: 'only this key, which is no longer active; else all of the merchant\'s keys' },
    world: { type: 'string', value: 'WORLD', about: 'test (where it is left out) or live' },
  },
  async run(context, { operands, options, isJson }) {
    const merchant = merchantId(operands['merchant'])
    const key = keyOf(options['key'])
    const parameters = { merchant, world: worldOf(options['world']), key }
    const { approval, request, reason } = options
    // A gateway would go on sealing to keys that nobody can open any more.
    if (key === null && !await isFrozen(context, merchant)) throw new Misuse('freeze the merchant first: ngome merchants freeze')
    if (typeof approval !== 'string') {
      if (typeof request !== 'string' || typeof reason !== 'string') {
        throw new Misuse('give --request FILE and --reason TEXT, or, when it is signed, --approval FILE')
      }
      writeRequest(context, request, { operation, parameters, reason })
      context.out(isJson ? JSON.stringify({ merchant, request }) : `Two people approve within 15 minutes: ngome staff approve ${request}`)
      return exitCodes.done
    }
    const body = custodianOperations[operation].request.safeParse({ ...parameters, approval: approvalOf(readApproval(approval)) })
    if (!body.success) throw new Misuse('nobody has signed this file')
    const ordered = await withCustodian(context, (custodian) => custodian.call(operation, body.data))
    if (isJson) context.out(JSON.stringify(ordered))
    else {
      context.out(`${ordered.destruction} happens at ${ordered.dueAt}; ngome keys cancel ${ordered.destruction} calls it back`)
      if (ordered.awaits !== null) context.out(awaitedTexts[ordered.awaits])
    }
    return exitCodes.done
  },
}

async function isFrozen(context: Context, merchant: MerchantId): Promise<boolean> {
  return withDatabase(context, async (db) => {
    for await (const row of allMerchants(db)) if (row.id === merchant) return row.frozenAtMs !== null
    return false
  })
}

function keyOf(option: string | boolean | undefined): MerchantKeyId | null {
  if (option === undefined) return null
  const key = parseId('merchantKey', String(option))
  if (key === undefined) throw new Misuse('that is not a merchant key\'s id, such as mek_01h455vb4pex5vsknk084sn02q')
  return key
}

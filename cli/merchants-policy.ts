import { emit } from '@ngome/contracts'
import { setVaultPlaintext } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'

export const merchantsPolicy: Command = {
  name: 'merchants policy',
  summary: 'Say whether a merchant may send values for the vault in clear, or only as its clients seal them.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {
    'vault-plaintext': { type: 'string', value: 'WORD', about: 'allowed or refused', isRequired: true },
    world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' },
  },
  async run(context, { operands, options, isJson }) {
    const { clock, random, out, err } = context
    const tenant = { merchant: merchantId(operands['merchant']), world: worldOf(options['world']) }
    const policy = policyOf(options['vault-plaintext'])
    const subject = { merchant: tenant.merchant, world: null }
    const data = { world: tenant.world, vault_plaintext: policy }
    const event = emit({ clock, random, process: 'operator' }, 'merchant.policy_changed', subject, data)
    const result = await withDatabase(context, (db) => setVaultPlaintext(db, tenant, { policy, atMs: clock.nowMs() }, event))
    if (isJson) out(JSON.stringify({ ...tenant, vaultPlaintext: result === 'unknown' ? null : policy, result }))
    else if (result === 'unknown') err(`ngome: there is no merchant ${tenant.merchant}`)
    else out(`values in clear are ${policy} for ${tenant.merchant} in ${tenant.world}${result === 'already' ? ', as before' : ''}`)
    return result === 'unknown' ? exitCodes.failed : exitCodes.done
  },
}

function policyOf(option: string | boolean | undefined): 'allowed' | 'refused' {
  if (option === 'allowed' || option === 'refused') return option
  throw new Misuse('--vault-plaintext is allowed or refused')
}

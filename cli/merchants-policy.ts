import { anomalyResponses, emit, type AnomalyResponse } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import { setAnomalyPolicy, setVaultPlaintext, type Database } from '@ngome/store'
import { exitCodes, Misuse, type Command, type Context } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { worldOf } from './operator/world-of.ts'

type Result = 'changed' | 'already' | 'unknown'
type Policy = { readonly name: string; readonly value: string; readonly said: string; readonly set: (db: Database) => Promise<Result> }

export const merchantsPolicy: Command = {
  name: 'merchants policy',
  summary: 'Say whether a merchant may send values for the vault in clear, and what is done where its keys are used very unusually.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {
    'vault-plaintext': { type: 'string', value: 'WORD', about: 'allowed or refused' },
    'on-anomaly': { type: 'string', value: 'WORD', about: `${anomalyResponses.join(', ')}, or default: what the configuration says` },
    world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' },
  },
  async run(context, { operands, options, isJson }) {
    const { out, err } = context
    const tenant = { merchant: merchantId(operands['merchant']), world: worldOf(options['world']) }
    const policies = [
      ...vaultPolicy(context, tenant, options['vault-plaintext']), ...anomalyPolicy(context, tenant, options['on-anomaly']),
    ]
    if (policies.length === 0) throw new Misuse('say --vault-plaintext, --on-anomaly or both')
    const results = await withDatabase(context, async (db) => {
      const all: Result[] = []
      for (const { set } of policies) all.push(await set(db))
      return all
    })
    const isUnknown = results.includes('unknown')
    if (isJson) {
      const values = Object.fromEntries(policies.map(({ name, value }) => [name, isUnknown ? null : value]))
      out(JSON.stringify({ ...tenant, ...values, result: results.find((one) => one !== 'already') ?? 'already' }))
    } else if (isUnknown) err(`ngome: there is no merchant ${tenant.merchant}`)
    else {
      for (const [at, { said }] of policies.entries()) {
        out(`${said} for ${tenant.merchant} in ${tenant.world}${results[at] === 'already' ? ', as before' : ''}`)
      }
    }
    return isUnknown ? exitCodes.failed : exitCodes.done
  },
}

function vaultPolicy({ clock, random }: Context, tenant: Tenant, option: string | boolean | undefined): readonly Policy[] {
  if (option === undefined) return []
  if (option !== 'allowed' && option !== 'refused') throw new Misuse('--vault-plaintext is allowed or refused')
  const data = { world: tenant.world, vault_plaintext: option } as const
  const event = emit({ clock, random, process: 'operator' }, 'merchant.policy_changed', { merchant: tenant.merchant, world: null }, data)
  return [{
    name: 'vaultPlaintext', value: option, said: `values in clear are ${option}`,
    set: (db) => setVaultPlaintext(db, tenant, { policy: option, atMs: clock.nowMs() }, event),
  }]
}

function anomalyPolicy({ clock, random }: Context, tenant: Tenant, option: string | boolean | undefined): readonly Policy[] {
  if (option === undefined) return []
  const policy = [...anomalyResponses, 'default' as const].find((one) => one === option)
  if (policy === undefined) throw new Misuse(`--on-anomaly is ${anomalyResponses.join(', ')} or default`)
  const data = { world: tenant.world, on_anomaly: policy }
  const event = emit({ clock, random, process: 'operator' }, 'merchant.anomaly_policy_changed', { merchant: tenant.merchant, world: null }, data)
  const kept: AnomalyResponse | null = policy === 'default' ? null : policy
  return [{
    name: 'onAnomaly', value: policy, said: `on very unusual use of a key: ${policy}`,
    set: (db) => setAnomalyPolicy(db, tenant, kept, event),
  }]
}

import { deriveRecordKey, encodeRecordContext, generateMerchantKeyPair, makeDataKey, openRecord, parseBlob, signStatement, verifyStatement, type DataKey } from '@ngome/envelope'
import { Fault, newId, Secret, type Clock, type Random, type Tenant } from '@ngome/kernel'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { OpenSealed } from '../services/dispatcher/custodian/open-sealed.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import type { Machine } from './machine.ts'

const yearMs = 366 * 24 * 3_600_000

/** The custodian's part in a payment: one data key for each tenant, and opening what was sealed with it, when it is there. */
export class ModelCustodian {
  readonly statementKeys = generateKeyPairSync('ed25519')
  readonly #keys = new Map<string, DataKey>()
  readonly #from: { readonly chance: Chance; readonly faults: Faults }

  constructor(from: { readonly chance: Chance; readonly faults: Faults }) {
    this.#from = from
  }

  get statementKey(): KeyObject {
    return this.statementKeys.publicKey
  }

  async addTenant(tenant: Tenant, from: { readonly clock: Clock; readonly random: Random }): Promise<DataKey> {
    const { publicKey } = await generateMerchantKeyPair('hybrid')
    const signer = generateKeyPairSync('ed25519')
    const nowMs = from.clock.nowMs()
    const statement = verifyStatement(signStatement({
      keyId: newId('merchantKey', from), tenant, retention: 'payment', period: 1, notBeforeMs: nowMs - yearMs, notAfterMs: nowMs + yearMs,
      suite: 'hybrid', publicKey,
    }, signer.privateKey), signer.publicKey)
    const dataKey = await makeDataKey({ statement, signer: { id: newId('signer', from), privateKey: signer.privateKey }, ...from })
    this.#keys.set(nameOf(dataKey.sealed), dataKey)
    return dataKey
  }

  /** As a dispatcher reaches it. */
  openerFor(machine: Machine): OpenSealed {
    return async (_, { dataKey: sealed, context, blob }) => {
      const { chance, faults } = this.#from
      await machine.travel()
      if (chance.happens(faults.custodianAway)) throw new Fault('custodian/unavailable', 'away')
      if (chance.happens(faults.custodianAway)) return { kind: 'later', reason: 'budget_spent' }
      const dataKey = this.#keys.get(nameOf(sealed))
      const parts = parseBlob(blob)
      if (dataKey === undefined || parts === undefined) return { kind: 'unopenable', reason: 'record_refused' }
      const key = deriveRecordKey(dataKey.key, encodeRecordContext(context, dataKey.suite), parts.salt)
      const plaintext = openRecord(new Secret(key), blob)
      await machine.travel()
      return { kind: 'opened', plaintext }
    }
  }
}

function nameOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(0, 512)).toString('base64')
}

import { generateKeyPairSync } from 'node:crypto'
import type { SealedVaultToken } from '@ngome/contracts'
import { encodeRecordContext, openRecord, parseBlob, type RecordContext } from '@ngome/envelope'
import {
  newId, parseBase64Url, Secret, systemClock, systemRandom, toBase64Url, type ApiKeyId, type Tenant, type VaultTokenId,
} from '@ngome/kernel'
import { isLuhn } from '@ngome/payments'
import { clientConfig, insertDataKey, loadSealedVaultToken } from '@ngome/store'
import type { TestDatabase } from '@ngome/testkit'
import pg from 'pg'
import type { CustodianProcess } from '../../services/custodian/testing/custodian-process.ts'
import { DataKeys } from '../../services/gateway/keys/data-keys.ts'
import { MerchantStatements } from '../../services/gateway/keys/merchant-statements.ts'
import { seal } from '../../services/gateway/keys/seal.ts'

const from = { clock: systemClock, random: systemRandom }
const hourMs = 3_600_000
/** Rows of one statement: a batch is sealed while PostgreSQL writes the one before. */
const batchRows = 5_000
/** As the gateway pads what it seals. */
const paddedTo = 128
const fingerprintBytes = 16

type Place = { readonly custodian: CustodianProcess; readonly database: TestDatabase; readonly tenant: Tenant }
export type WrittenToken = { readonly id: VaultTokenId; readonly card: string; readonly fingerprint: string }
type SealedRow = WrittenToken & { readonly metadata: string; readonly dataKey: string; readonly blob: Uint8Array }

/** Fills a merchant's vault with card numbers, sealed by the gateway's own code under keys of a real custodian. */
export class VaultWriter {
  readonly #place: Place
  readonly #dataKeys: DataKeys
  readonly #apiKey: ApiKeyId = newId('apiKey', from)
  #serial = 0

  private constructor(place: Place, dataKeys: DataKeys) {
    this.#place = place
    this.#dataKeys = dataKeys
  }

  static async create(place: Place): Promise<VaultWriter> {
    const { custodian, database, tenant } = place
    const operator = await custodian.client('operator')
    await operator.client.call('/v1/merchants', tenant)
    operator.client.close()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const { client, identity: { signerId, statementKey } } = await custodian.client('gateway', publicKey)
    if (signerId === null) throw new TypeError('a gateway without a signer')
    const statements = new MerchantStatements({
      statementKey, clock: systemClock,
      source: {
        tenants: async () => [],
        statements: async (tenants) => (await client.call('/v1/merchant-keys', { tenants: [...tenants] })).statements,
      },
    })
    await statements.fetch([tenant])
    client.close()
    const gateway = database.open('ngome_gateway', { poolMax: 1 })
    return new VaultWriter(place, new DataKeys({
      ...from, statements, signer: { id: signerId, privateKey }, periodMs: hourMs,
      store: { insert: (dataKey, retention) => insertDataKey(gateway, { ...dataKey, retention }) },
    }))
  }

  /**
   * Writes tokens as they are when their fingerprints are computed, without the jobs and events of their acceptance. The
   * table's checks hold; its triggers, which would have each row written twice, are off for this connection.
   * @param told how many there are, now and then
   * @returns every `keepEvery`th
   */
  async write(count: number, keepEvery: number, told: (written: number) => void): Promise<readonly WrittenToken[]> {
    const client = new pg.Client(clientConfig(this.#place.database.admin))
    await client.connect()
    const kept: WrittenToken[] = []
    try {
      await client.query('SET session_replication_role = replica; SET synchronous_commit = off')
      let writing: Promise<unknown> = Promise.resolve()
      for (let at = 0; at < count; at += batchRows) {
        const rows = await this.#seal(Math.min(batchRows, count - at))
        await writing
        writing = client.query(insertSql, this.#columns(rows))
        for (const [offset, { id, card, fingerprint }] of rows.entries()) {
          if ((at + offset) % keepEvery === 0) kept.push({ id, card, fingerprint })
        }
        told(at + rows.length)
      }
      await writing
      return kept
    } finally {
      await client.end()
    }
  }

  /**
   * Opens tokens with what the dispatcher has: its role in the database, its certificate at the custodian, and a purpose.
   * @throws Error where one holds another value
   */
  async assertOpen(tokens: readonly WrittenToken[]): Promise<void> {
    const { custodian, database, tenant } = this.#place
    const { client } = await custodian.client('dispatcher')
    const db = database.open('ngome_dispatcher', { poolMax: 1 })
    for (const { id, card } of tokens) {
      const row = await loadSealedVaultToken(db, tenant, id, systemClock.nowMs())
      const parts = parseBlob(row?.sealed ?? new Uint8Array())
      if (row === undefined || parts === undefined) throw new Error(`${id} is not there`)
      const context = encodeRecordContext(contextOf(tenant, id), parts.suite)
      const { keys: [key = ''] } = await client.call('/v1/open', {
        purpose: 'vault-index', dataKeys: [toBase64Url(row.dataKey)],
        records: [{ dataKey: 0, context: toBase64Url(context), salt: toBase64Url(parts.salt) }],
      })
      const opened = JSON.parse(Buffer.from(openRecord(new Secret(parseBase64Url(key) ?? new Uint8Array()), row.sealed)).toString()) as SealedVaultToken
      if (opened.value !== card) throw new Error(`${id} holds another value`)
    }
    client.close()
  }

  async #seal(count: number): Promise<readonly SealedRow[]> {
    const { tenant } = this.#place
    const rows: SealedRow[] = []
    while (rows.length < count) {
      const id = newId('vaultToken', from)
      const serial = this.#serial++
      const card = cardNumber(serial)
      const json = JSON.stringify({ type: 'card_number', value: card, expires_at: null } satisfies SealedVaultToken)
      const { dataKey, blob } = await seal(
        { dataKeys: this.#dataKeys, random: systemRandom }, 'vault',
        contextOf(tenant, id), Buffer.from(json.padEnd(paddedTo)))
      rows.push({
        id, card, dataKey, blob, metadata: JSON.stringify({ customer: `c-${serial}` }),
        fingerprint: `fpr_${toBase64Url(systemRandom.bytes(fingerprintBytes))}`,
      })
    }
    return rows
  }

  #columns(rows: readonly SealedRow[]): unknown[] {
    const { merchant, world } = this.#place.tenant
    return [
      merchant, world, this.#apiKey, new Date(systemClock.nowMs()), rows.map(({ id }) => id),
      rows.map(({ card }) => `•••• ${card.slice(-4)}`), rows.map(({ metadata }) => metadata),
      rows.map(({ dataKey }) => dataKey), rows.map(({ blob }) => blob), rows.map(({ fingerprint }) => fingerprint),
    ]
  }
}

function contextOf(tenant: Tenant, id: VaultTokenId): RecordContext {
  return { tenant, table: 'vault_tokens', recordId: id, dataClass: 'restricted', version: 1 }
}

const insertSql = `
  INSERT INTO ngome.vault_tokens (merchant, world, api_key, created_at, id, masked, metadata, data_key, sealed, fingerprint,
    type, status, network, fingerprint_status)
  SELECT $1, $2, $3, $4, *, 'card_number', 'active', 'visa', 'computed'
  FROM unnest($5::text[], $6::text[], $7::jsonb[], $8::text[], $9::bytea[], $10::text[])`

/** A different number for each serial, with its check digit. */
function cardNumber(serial: number): string {
  const body = `4${String(serial).padStart(14, '0')}`
  const digit = '0123456789'.split('').find((one) => isLuhn(body + one))
  return body + (digit ?? '')
}

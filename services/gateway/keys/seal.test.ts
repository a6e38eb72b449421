import assert from 'node:assert/strict'
import { createSecretKey, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { deriveRecordKey, encodeRecordContext, openRecord, parseBlob, type DataKey, type RecordContext } from '@ngome/envelope'
import { Fault, newId, Secret, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { seal } from './seal.ts'

const from = { clock: systemClock, random: systemRandom }
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const context: RecordContext = { tenant, table: 'payments', recordId: newId('payment', from), dataClass: 'restricted', version: 1 }
const secretKey = (): KeyObject => createSecretKey(systemRandom.bytes(32))

function dataKey(keys: readonly KeyObject[]): DataKey {
  let uses = 0
  return {
    id: newId('dataKey', from), suite: 'hybrid', sealed: new Uint8Array(), tenant, retention: 'payment', createdAtMs: 0,
    get key() {
      return keys[Math.min(uses++, keys.length - 1)] as KeyObject
    },
  }
}

const ports = (key: DataKey): Parameters<typeof seal>[0] => ({
  random: systemRandom, dataKeys: { current: () => key },
})

test('a record is sealed so that it opens to what it was, and the plaintext is wiped', async () => {
  const key = secretKey()
  const plaintext = Buffer.from('{"phone":"+46733123499"}')
  const { blob, dataKey: id } = await seal(ports(dataKey([key])), 'payment', context, plaintext)
  const recordKey = deriveRecordKey(key, encodeRecordContext(context, 'hybrid'), parseBlob(blob)?.salt ?? new Uint8Array())
  assert.equal(Buffer.from(openRecord(new Secret(recordKey), blob)).toString(), '{"phone":"+46733123499"}')
  assert.equal(parseBlob(blob)?.dataKeyId, id)
  assert.deepEqual(plaintext, Buffer.alloc(plaintext.length))
})

test('a blob that would not open under its data key is never handed out (seeded: a key that changes between)', async () => {
  const plaintext = Buffer.from('secret')
  await assert.rejects(seal(ports(dataKey([secretKey(), secretKey()])), 'payment', context, plaintext), (error) =>
    error instanceof Fault && error.code === 'envelope/open_refused')
  assert.deepEqual(plaintext, Buffer.alloc(6), 'wiped also where it failed')
})

test('a record of one tenant is not sealed under another tenant\u2019s key', async () => {
  const other: RecordContext = { ...context, tenant: { ...tenant, merchant: newId('merchant', from) } }
  await assert.rejects(seal(ports(dataKey([secretKey()])), 'payment', other, Buffer.from('x')), TypeError)
})

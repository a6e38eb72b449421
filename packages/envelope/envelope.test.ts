import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { ManualClock, newId, Secret, systemRandom } from '@ngome/kernel'
import {
  dataKeySuite, deriveRecordKey, encodeRecordContext, generateMerchantKeyPair, makeDataKey, openRecord, openSealedDataKey,
  parseBlob, sealRecord, signStatement, verifyStatement,
} from './mod.ts'

test('what a gateway seals, the custodian and the dispatcher open', async () => {
  const clock = new ManualClock(1_800_000_000_000)
  const from = { clock, random: systemRandom }
  const custodian = generateKeyPairSync('ed25519')
  const gateway = generateKeyPairSync('ed25519')
  const merchant = await generateMerchantKeyPair()
  const tenant = { merchant: newId('merchant', from), world: 'test' } as const
  const statement = verifyStatement(signStatement({
    keyId: newId('merchantKey', from), tenant, retention: 'payment', period: 20_000, suite: dataKeySuite,
    notBeforeMs: clock.nowMs(), notAfterMs: clock.nowMs() + 1, publicKey: merchant.publicKey,
  }, custodian.privateKey), custodian.publicKey)
  const signer = { id: newId('signer', from), privateKey: gateway.privateKey }
  const dataKey = await makeDataKey({ statement, signer, ...from })
  const context = {
    tenant, table: 'payments', recordId: newId('payment', from), dataClass: 'restricted', version: 1,
  } as const
  const plaintext = Buffer.from('+256700000001')
  const blob = sealRecord(dataKey, context, plaintext, systemRandom)

  const opened = await openSealedDataKey({
    sealed: dataKey.sealed, privateKey: merchant.privateKey, signerPublicKey: gateway.publicKey,
  })
  const salt = parseBlob(blob)?.salt
  assert.ok(salt)
  const recordKey = deriveRecordKey(opened, encodeRecordContext(context), salt)
  assert.deepEqual(Buffer.from(openRecord(new Secret(recordKey), blob)), plaintext)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiKeyVerifier, newApiKey } from '@ngome/access'
import { custodianSecretNames } from '@ngome/contracts'
import { newId, parseBase64Url, systemRandom, toBase64Url } from '@ngome/kernel'
import { allAllowed, issueKey } from '../testing/test-api-key.ts'
import { TestCustodian } from '../testing/test-custodian.ts'
import { makeApiKeyVerifier } from './make-api-key-verifier.ts'

const mayHold = {
  gateway: ['api-pepper', 'index-outer', 'idempotency', 'callback'],
  dispatcher: ['index-outer', 'callback'],
} as const

async function open(t: { after(fn: () => void): void }): Promise<TestCustodian> {
  const custodian = await TestCustodian.open()
  t.after(() => custodian.remove())
  return custodian
}

for (const role of ['gateway', 'dispatcher'] as const) {
  for (const name of custodianSecretNames) {
    const isPermitted = (mayHold[role] as readonly string[]).includes(name)
    test(`${role} ${isPermitted ? 'may' : 'may not'} hold ${name}`, async (t) => {
      const test = await open(t)
      const answer = test.call(await test.peer(role), '/v1/secrets', { names: [name] })
      if (!isPermitted) {
        await assert.rejects(answer, { code: 'custodian/refused' })
        assert.equal(test.lastLog(1)[0]?.['reason'], 'secret_not_permitted')
        return
      }
      const { secrets } = await answer
      assert.deepEqual(secrets.map((secret) => [secret.name, secret.version, parseBase64Url(secret.value)?.length]), [[name, 1, 32]])
      assert.deepEqual([test.lastLog(1)[0]?.['outcome'], test.lastLog(1)[0]?.['subject']], ['allowed', name])
    })
  }
}

test('one secret that is not permitted refuses the whole call', async (t) => {
  const test = await open(t)
  await assert.rejects(test.call(await test.peer('dispatcher'), '/v1/secrets', { names: ['callback', 'api-pepper'] }), { code: 'custodian/refused' })
})

test('secrets are the same after a restart, and differ from each other', async (t) => {
  const test = await open(t)
  const names = [...custodianSecretNames]
  const gateway = await test.peer('gateway')
  const before = await test.call(gateway, '/v1/secrets', { names })
  await test.reopen()
  assert.deepEqual(await test.call(gateway, '/v1/secrets', { names }), before)
  assert.equal(new Set(before.secrets.map(({ value }) => value)).size, names.length)
})

test('computes the verifier of an API key under the pepper that the gateway gets', async (t) => {
  const test = await open(t)
  const tenant = await test.tenant()
  const { id, digest } = newApiKey({ world: 'test', clock: test.clock, random: systemRandom })
  const body = { ...tenant, key: id, digest: toBase64Url(digest), settings: allAllowed }
  const answer = await test.call(await test.peer('operator'), '/v1/api-key-verifier', body)
  const { value: pepper } = await test.custodian.secrets.newest('api-pepper')
  assert.equal(answer.verifier, toBase64Url(apiKeyVerifier(pepper, { id, tenant, digest })))
  assert.equal(answer.pepperVersion, 1)
})

test('refuses a live key while the root key is unprotected, and makes it under a protected one', async (t) => {
  const test = await open(t)
  const tenant = await test.tenant('live')
  const operator = await test.peer('operator')
  const body = { ...tenant, key: newId('apiKey', { clock: test.clock, random: systemRandom }), digest: toBase64Url(new Uint8Array(32)), settings: allAllowed }
  await assert.rejects(test.call(operator, '/v1/api-key-verifier', body), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'root_unprotected')
  const hsm = { ...test.custodian, root: { ...test.custodian.root, describe: () => ({ name: 'hsm', isProtected: true, id: '00' }) } }
  assert.equal((await makeApiKeyVerifier(hsm, operator, body)).pepperVersion, 1)
})

test('an id stands for one key for ever: a second digest for it is refused', async (t) => {
  const test = await open(t)
  const { tenant, id } = await issueKey(test, await test.tenant())
  const again = test.call(await test.peer('operator'), '/v1/api-key-verifier', { ...tenant, key: id, digest: toBase64Url(new Uint8Array(32)), settings: allAllowed })
  await assert.rejects(again, { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'api_key_known')
})

test('refuses a verifier for a tenant that is not registered, or a digest of another length', async (t) => {
  const test = await open(t)
  const tenant = await test.tenant()
  const operator = await test.peer('operator')
  const body = { ...tenant, key: newId('apiKey', { clock: test.clock, random: systemRandom }), digest: toBase64Url(new Uint8Array(32)), settings: allAllowed }
  await assert.rejects(test.call(operator, '/v1/api-key-verifier', { ...body, world: 'live' }), { code: 'custodian/refused' })
  assert.equal(test.lastLog(1)[0]?.['reason'], 'tenant_unknown')
  for (const digest of ['AAAA', toBase64Url(new Uint8Array(33))]) {
    await assert.rejects(test.call(operator, '/v1/api-key-verifier', { ...body, digest }), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'request_invalid')
  }
})

test('a custodian without a secret, or with two that are active, hands out nothing', async (t) => {
  const test = await open(t)
  const gateway = await test.peer('gateway')
  const refused = async (): Promise<void> => {
    await assert.rejects(test.call(gateway, '/v1/secrets', { names: ['api-pepper'] }), { code: 'custodian/refused' })
    assert.equal(test.lastLog(1)[0]?.['reason'], 'key_unusable')
  }
  test.db.exec(`INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms) VALUES ('secret', 'api-pepper/v2', 'active', 0, 0)`)
  await refused()
  await assert.rejects(test.custodian.secrets.newest('api-pepper'), { code: 'custodian/key_unusable' })
})

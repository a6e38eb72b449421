import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomInt, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createdWebhookEndpointSchema, custodianSecretNames, vaultTokenSchema, type VaultTokenView } from '@ngome/contracts'
import { parseBase64Url, Secret, systemClock, systemRandom, toBase64Url } from '@ngome/kernel'
import { isLuhn } from '@ngome/payments'
import { createLogger, custodianClient, enrol, type CustodianClient } from '@ngome/runtime'
import type { MerchantClient, Platform } from '@ngome/testkit'
import { byteForms, digestForms, readableForms, scanDatabase, scanFiles, type Form } from '@ngome/verify'
import { paymentEnd } from './take-payment.ts'

/** What exists nowhere but where it was planted, and what to call it. */
export type PlantedValue = { readonly name: string; readonly value: string | Uint8Array }
export type GatewaySecret = { readonly name: string; readonly value: Uint8Array }

const indexMsMax = 60_000
/**
 * Forms that rows are searched for by the database itself, which compares one after the other: what it compresses, files
 * do not show. All forms are searched for in its files.
 */
const rowForms = /(?:as it is|[^,]hex|base64, offset 0)$/

function digits(length: number): string {
  return Array.from({ length }, () => randomInt(10)).join('')
}

/** Keeps a value in the vault, and waits for its fingerprint: by then every process has done with it what it does. */
export async function plantToken(client: MerchantClient, type: string, value: string): Promise<VaultTokenView> {
  const answer = await client.call({ method: 'POST', path: '/v1/vault/tokens', idempotencyKey: randomUUID(), body: { type, value } })
  assert.equal(answer.status, 201, answer.text)
  let token = vaultTokenSchema.parse(JSON.parse(answer.text))
  for (const from = performance.now(); token.fingerprint.status === 'pending'; await sleep(100)) {
    assert.ok(performance.now() - from < indexMsMax, 'a planted value got no fingerprint')
    token = vaultTokenSchema.parse(JSON.parse((await client.call({ path: `/v1/vault/tokens/${token.id}` })).text))
  }
  return token
}

/** All secrets that a gateway is given. */
export async function gatewaySecrets(platform: Platform): Promise<readonly GatewaySecret[]> {
  return asProcess(platform, 'gateway', async (client) => {
    const { secrets } = await client.call('/v1/secrets', { names: [...custodianSecretNames] })
    return secrets.map(({ name, value }) => ({ name, value: parseBase64Url(value) ?? assert.fail(name) }))
  })
}

/** Calls the custodian as one of the processes, with the key by which the launcher lets them enrol. */
export async function asProcess<T>(
  { dataFolder, ports }: Platform, role: 'gateway' | 'dispatcher', act: (client: CustodianClient) => Promise<T>,
): Promise<T> {
  const place = { host: '127.0.0.1', port: ports.custodian, enrolmentPort: ports.enrolment, enrolmentKeyPath: '' }
  const claims = { role, expiresAtMs: systemClock.nowMs() + 60_000, nonce: toBase64Url(systemRandom.bytes(16)) }
  const body = toBase64Url(Buffer.from(JSON.stringify(claims)))
  const key = readFileSync(join(dataFolder, 'launcher', 'enrolment.key'))
  const folder = mkdtempSync(join(tmpdir(), 'ngome-thief-'))
  writeFileSync(join(folder, 'ca.pem'), readFileSync(join(dataFolder, 'custodian', 'ca.pem')))
  const identity = await enrol({
    config: { dataDir: folder, custodian: place }, role, clock: systemClock, random: systemRandom,
    token: new Secret(`${body}.${createHmac('sha256', key).update(body).digest('base64url')}`),
    ...(role === 'gateway' ? { signerPublicKey: generateKeyPairSync('ed25519').publicKey } : {}),
    logger: createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } }),
  })
  const client = custodianClient(identity, { custodian: place })
  try {
    return await act(client)
  } finally {
    client.close()
    identity.stop()
    rmSync(folder, { recursive: true })
  }
}

/** Plants one value of each kind that is promised to be nowhere, and adds the secrets that the platform made itself. */
export async function plantValues(platform: Platform, client: MerchantClient): Promise<readonly PlantedValue[]> {
  const body = `99${digits(13)}`
  const card = body + '0123456789'.split('').find((digit) => isLuhn(body + digit))
  const phone = `4673${digits(8)}`
  const name = `Nakato ${randomUUID()}`
  const paid = await client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: randomUUID(),
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: `+${phone}` }, reference: 'planted', description: name },
  })
  assert.equal(paid.status, 201, paid.text)
  const [document, account, line] = [`CM${digits(14)}`, digits(12), `256${digits(9)}`]
  await plantToken(client, 'card_number', card)
  await plantToken(client, 'identity_document', document)
  await plantToken(client, 'bank_account', account)
  await plantToken(client, 'phone', `+${line}`)
  await plantToken(client, 'text', name)
  const endpoint = await client.call({
    method: 'POST', path: '/v1/webhook_endpoints', idempotencyKey: randomUUID(), body: { url: `https://127.0.0.1:${platform.ports.receiver}/planted` },
  })
  const { secret } = createdWebhookEndpointSchema.parse(JSON.parse(endpoint.text))
  await paymentEnd(client, (JSON.parse(paid.text) as { id: string }).id)
  const signing = (secret ?? assert.fail('no webhook secret')).replace(/^whsec_/, '')
  return [
    { name: 'card number', value: card }, { name: 'payer\'s phone', value: phone }, { name: 'phone', value: line },
    { name: 'name', value: name }, { name: 'identity document', value: document }, { name: 'bank account', value: account },
    { name: 'API key', value: platform.key.split('_').at(-1) ?? '' }, { name: 'whole API key', value: platform.key },
    { name: 'webhook secret', value: Buffer.from(signing, 'base64') },
    ...(await gatewaySecrets(platform)).map(({ name: of, value }) => ({ name: `secret ${of}`, value })),
  ]
}

/** Every form of these values, named by value and form. */
export function formsOf(values: readonly PlantedValue[]): readonly Form[] {
  return values.flatMap(({ name, value }) => {
    const forms = typeof value === 'string' ? readableForms(value) : byteForms(value)
    return [...forms, ...digestForms(value)].map((form) => ({ name: `${name} ${form.name}`, bytes: form.bytes }))
  })
}

/**
 * Searches all that is at rest, the custodian's folder too, for these values; only the payment network's books are left
 * out, whom a payer's number is meant for. First it looks for what it has put there itself: a search that finds nothing
 * else must be able to find.
 */
export async function assertNowhere(platform: Platform, values: readonly PlantedValue[]): Promise<{ readonly bytes: number; readonly forms: number }> {
  const forms = formsOf(values)
  const control = join(platform.dataFolder, 'launcher', 'control')
  writeFileSync(control, Buffer.concat(forms.flatMap(({ bytes }) => [bytes, Buffer.of(0)])))
  const seen = await scanFiles(join(platform.dataFolder, 'launcher'), forms, (path) => path === 'logs')
  rmSync(control)
  const found = new Set(seen.found.filter(({ path }) => path === 'control').map(({ form }) => form))
  assert.deepEqual([...new Set(forms.map(({ name }) => name))].filter((name) => !found.has(name)), [])
  const auditor = platform.auditor()
  try {
    const query = async <Row>(sql: string, parameters: readonly unknown[] = []) => (await auditor.pool.query(sql, [...parameters])).rows as readonly Row[]
    const rows = await scanDatabase({ query }, forms.filter(({ name }) => rowForms.test(name)))
    assert.deepEqual(rows.found, [], 'a planted value is readable in rows')
    assert.ok(rows.rowCount > 0)
  } finally {
    await auditor.close()
  }
  const files = await scanFiles(platform.dataFolder, forms, (path) => path === 'simulators')
  assert.deepEqual(files.found, [], 'a planted value is readable in files')
  return { bytes: files.byteCount, forms: forms.length }
}

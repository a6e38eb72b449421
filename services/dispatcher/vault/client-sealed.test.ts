import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import type { VaultTokenType } from '@ngome/contracts'
import { Secret, systemClock, systemRandom, toBase64Url, type VaultTokenId } from '@ngome/kernel'
import { createLogger, type CustodianClient } from '@ngome/runtime'
import { SealingMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import { fingerprintComputer } from '../custodian/compute-fingerprint.ts'
import { opener, type OpenSealed } from '../custodian/open-sealed.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { indexVaultToken } from './index-vault-token.ts'
import { openVaultToken } from './open-vault-token.ts'
import type { VaultTokenOpening } from './vault-token-opening.ts'

const signal = new AbortController().signal
const outerKey = new Secret(systemRandom.bytes(32))
const indexKey = systemRandom.bytes(32)
const logLines: string[] = []
const number = '4929737290417382'

let database: TestDatabase
let merchant: SealingMerchant
let other: SealingMerchant
before(async () => {
  database = await testDatabase()
  ;[merchant, other] = await Promise.all([SealingMerchant.create(database), SealingMerchant.create(database)])
})
after(() => database.close())

type Parts = Pick<Dispatcher, 'db' | 'clock' | 'random' | 'openSealed' | 'computeFingerprint' | 'logger'>

function dispatcher(changes: Partial<Parts> = {}): Dispatcher {
  const call: CustodianClient['call'] = async (path, body) => {
    if (path === '/v1/open') return merchant.open(body as Parameters<SealingMerchant['open']>[0]) as never
    const { blinded } = body as { blinded: string[] }
    return { generation: 1, indexes: blinded.map((one) => toBase64Url(createHmac('sha256', indexKey).update(one).digest())) } as never
  }
  const parts: Parts = {
    clock: systemClock, random: systemRandom, db: database.open('ngome_dispatcher'),
    openSealed: opener({ call }, generateKeyPairSync('ed25519').publicKey, systemRandom),
    computeFingerprint: fingerprintComputer({ call }, outerKey),
    logger: createLogger({ process: 'dispatcher', level: 'trace', destination: { write: (line: string) => void logLines.push(line) } }),
    ...changes,
  }
  return parts as Dispatcher
}

async function keep(type: VaultTokenType, value: string, change: (sealed: string) => string = (sealed) => sealed): Promise<VaultTokenId> {
  return merchant.keep(type, '', { clientSealed: change(await merchant.clientSeals(type, value)) })
}

async function indexed(id: VaultTokenId, from = dispatcher()): Promise<Record<string, unknown>> {
  await indexVaultToken(from, { ...merchant.tenant, token: id }, signal)
  const [row] = await database.asAdmin('SELECT status, network, masked, fingerprint_status, fingerprint FROM ngome.vault_tokens WHERE id = $1', [id])
  return row as Record<string, unknown>
}

async function eventsOf(id: VaultTokenId): Promise<readonly unknown[]> {
  const rows = await database.asAdmin(`SELECT type, severity FROM ngome.events WHERE data->>'token' = $1 ORDER BY at, id`, [id])
  return rows.map(({ type, severity }) => `${String(type)} ${String(severity)}`).slice(1)
}

const open = (id: VaultTokenId, from = dispatcher()): Promise<VaultTokenOpening> => openVaultToken(from, 'forward', merchant.tenant, id, signal)

suite('what a client sealed', () => {
  test('gets mask, network and fingerprint from the dispatcher, the same as a value that the gateway sealed', async () => {
    const id = await keep('card_number', '4929 7372 9041 7382')
    const { fingerprint, ...row } = await indexed(id)
    assert.deepEqual(row, { status: 'active', network: 'visa', masked: '•••• 7382', fingerprint_status: 'computed' })
    assert.equal((await indexed(await merchant.keep('card_number', number)))['fingerprint'], fingerprint)
  })

  test('opens for a forward, normalised, before and after anybody has looked', async () => {
    const id = await keep('card_number', '4929 7372 9041 7382')
    for (const _ of ['before', 'after']) {
      const opening = await open(id)
      assert.equal(opening.kind === 'opened' ? opening.opened.value.expose((text) => text) : opening.kind, number)
      await indexed(id)
    }
  })
})

const ofNoType: readonly (readonly [string, VaultTokenType, string])[] = [
  ['a wrong check digit', 'card_number', '4929737290417383'], ['text for a number', 'card_number', 'PLANTED'],
  ['a phone of no form', 'phone', '0733'], ['what ends a line', 'identity_document', 'AB12\n'],
]
for (const [what, type, value] of ofNoType) {
  test(`${what} makes the token invalid: seen by its merchant, no alarm, and nothing is shown of it`, async () => {
    const id = await keep(type, value)
    assert.deepEqual(await indexed(id), { status: 'invalid', network: null, masked: null, fingerprint_status: 'unavailable', fingerprint: null })
    assert.deepEqual(await eventsOf(id), ['vault.token_invalid notice'])
    assert.deepEqual(await open(id), { kind: 'invalid' })
    assert.equal(logLines.some((line) => line.includes(value)), false)
  })
}

const flip = (at: number) => (sealed: string): string => {
  const bytes = Buffer.from(sealed, 'base64url')
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return toBase64Url(bytes)
}

test('one bit that is changed anywhere, where the form stays, makes it invalid', async () => {
  for (const at of [50, 1_000, 1_130, 1_160, -1]) {
    const id = await keep('card_number', number, flip(at))
    assert.equal((await indexed(id))['status'], 'invalid', String(at))
  }
})

test('bytes that are no text are invalid', async () => {
  const openSealed: OpenSealed = async (purpose, record, aborted) => {
    const opening = await dispatcher().openSealed(purpose, record, aborted)
    return opening.kind === 'opened' && opening.innerKey !== undefined ? { ...opening, innerKey: new Secret(new Uint8Array(32)) } : opening
  }
  assert.deepEqual(await open(await keep('text', 'x'), dispatcher({ openSealed })), { kind: 'invalid' })
})

const forms: readonly (readonly [string, VaultTokenType, () => Promise<string>])[] = [
  ['a short form for a text', 'text', () => merchant.clientSeals('card_number', number)],
  ['a long form for a number', 'card_number', () => merchant.clientSeals('text', number)],
  ['something else altogether', 'card_number', async () => 'AAAA'],
  ['what is not canonical base64url', 'card_number', async () => 'AB'],
]
for (const [what, type, made] of forms) {
  test(`${what}, which no gateway takes, is an alarm`, async () => {
    const id = await merchant.keep(type, '', { clientSealed: await made() })
    assert.equal((await indexed(id))['status'], 'invalid')
    assert.deepEqual(await eventsOf(id), ['vault.token_unopenable alarm'])
  })
}

test('another type of the same form does not open as this one: the gateway cannot swap them', async () => {
  const id = await merchant.keep('identity_document', '', { clientSealed: await merchant.clientSeals('bank_account', 'GB29NWBK') })
  assert.equal((await indexed(id))['status'], 'invalid')
})

test('what another merchant\'s client sealed is nobody\'s here', async () => {
  const id = await merchant.keep('card_number', '', { clientSealed: await other.clientSeals('card_number', number) })
  await assert.rejects(indexed(id), { code: 'custodian/refused' })
  assert.deepEqual((await database.asAdmin('SELECT masked FROM ngome.vault_tokens WHERE id = $1', [id]))[0], { masked: null })
})

const answers: readonly (readonly [string, Awaited<ReturnType<OpenSealed>>, unknown])[] = [
  ['that it cannot be opened', { kind: 'unopenable', reason: 'inner_refused' }, { kind: 'invalid' }],
  ['that its record cannot', { kind: 'unopenable', reason: 'record_refused' }, { kind: 'unopenable', reason: 'record_refused' }],
  ['to wait', { kind: 'later', reason: 'budget_spent' }, { kind: 'later', reason: 'budget_spent' }],
]
for (const [what, second, kind] of answers) {
  test(`the custodian says ${what}`, async () => {
    const id = await keep('card_number', number)
    const openSealed: OpenSealed = async (purpose, record, aborted) =>
      record.inner === undefined ? dispatcher().openSealed(purpose, record, aborted) : second
    assert.deepEqual(await open(id, dispatcher({ openSealed })), kind)
  })
}

test('an opening without the key that was asked for is a bug, not a value', async () => {
  const openSealed: OpenSealed = async (purpose, { dataKey, context, blob }, aborted) =>
    dispatcher().openSealed(purpose, { dataKey, context, blob }, aborted)
  await assert.rejects(open(await keep('card_number', number), dispatcher({ openSealed })), TypeError)
})

test('a sealed token that holds neither is an alarm', async () => {
  const id = await merchant.keep('text', 'x', { clientSealed: 'AAAA', sealed: { client_sealed: undefined } })
  assert.equal((await indexed(id))['status'], 'invalid')
  assert.deepEqual(await eventsOf(id), ['vault.token_unopenable alarm'])
})

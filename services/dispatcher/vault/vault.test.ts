import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { emit } from '@ngome/contracts'
import { Fault, ManualClock, Secret, systemClock, systemRandom, toBase64Url, type VaultTokenId } from '@ngome/kernel'
import { createLogger, type CustodianClient } from '@ngome/runtime'
import { endVaultToken, postgresPayments, type Database } from '@ngome/store'
import { SealingMerchant, testDatabase, type TestDatabase } from '@ngome/testkit'
import { fingerprintComputer, firstFingerprint } from '../custodian/compute-fingerprint.ts'
import { fetchSecrets } from '../custodian/fetch-secrets.ts'
import { opener } from '../custodian/open-sealed.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { advanceFingerprints } from './advance-fingerprints.ts'
import { expireVaultTokens } from './expire-vault-tokens.ts'
import { indexVaultToken } from './index-vault-token.ts'
import { openVaultToken } from './open-vault-token.ts'
import { processTime } from '../testing/process-time.ts'

const signal = new AbortController().signal
const outerKey = new Secret(systemRandom.bytes(32))
const indexKeys = new Map<string, Uint8Array>()
const generations = new Map<string, number>()
/** What the dispatcher said was left, in order. */
const progress: (number | null)[] = []
const logLines: string[] = []
const egress = createEgressGuard({ providers: {}, allowPrivate: [], resolve: async () => [] })

let database: TestDatabase
/** One pool for all: the role has few connections. */
let db: Database
let merchant: SealingMerchant
let other: SealingMerchant
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher')
  ;[merchant, other] = await Promise.all([SealingMerchant.create(database), SealingMerchant.create(database)])
})
after(async () => {
  egress.close()
  await database.close()
})

/** The custodian as far as the vault needs it: an index key for each tenant, and real openings. */
const call = (owner: SealingMerchant): CustodianClient['call'] => async (path, body) => {
  if (path === '/v1/open') return owner.open(body as Parameters<SealingMerchant['open']>[0]) as never
  const { merchant: of, blinded = [] } = body as { merchant: string; blinded?: string[] }
  const key = indexKeys.get(of) ?? systemRandom.bytes(32)
  indexKeys.set(of, key)
  const newest = generations.get(of) ?? 1
  if (path === '/v1/index-rotations') return { rotations: newest === 1 ? [] : [{ ...owner.tenant, generation: newest }] } as never
  if (path === '/v1/index-progress' || path === '/v1/advance-fingerprints') progress.push((body as { left: number | null }).left)
  if (path === '/v1/index-progress') return {} as never
  if (path === '/v1/advance-fingerprints') {
    const { generation, fingerprints } = body as { generation: number; fingerprints: string[] }
    const step = (text: string, next: number): string => createHmac('sha256', key).update(`${next}${text}`).digest().subarray(0, 16).toString('base64url')
    const after = fingerprints.map((text) => Array.from({ length: newest - generation }, (_, at) => generation + at + 1).reduce(step, text))
    return { generation: newest, fingerprints: after } as never
  }
  return { generation: newest, indexes: blinded.map((one) => toBase64Url(createHmac('sha256', key).update(one).digest())) } as never
}

function dispatcher(owner = merchant, changes: Partial<Dispatcher> = {}): Dispatcher {
  return {
    clock: systemClock, random: systemRandom, db, payments: postgresPayments(db), ...processTime(), sleep, egress, networks: new Map(),
    openSealed: opener({ call: call(owner) }, generateKeyPairSync('ed25519').publicKey, systemRandom),
    computeFingerprint: fingerprintComputer({ call: call(owner) }, outerKey),
    statementKey: generateKeyPairSync('ed25519').publicKey,
    merchantKeyState: async () => 'stands', approvals: { over: new Map(), expiresAfterMs: 3_600_000 },
    isOperatorsWord: () => false,
    callbacks: { baseUrl: 'https://localhost', secret: new Secret(systemRandom.bytes(32)) },
    webhooks: { attemptsMax: 1, firstRetryMs: 1, retryMaxMs: 1, retryForMs: 60_000, timeoutMs: 1, warnAfterMs: 3_600_000, disableAfterMs: 7_200_000, disableAfterTries: 1_000 },
    logger: createLogger({ process: 'dispatcher', level: 'trace', destination: { write: (line: string) => void logLines.push(line) } }),
    ...changes,
  }
}

async function fingerprint(id: VaultTokenId, owner = merchant): Promise<string> {
  await indexVaultToken(dispatcher(owner), { ...owner.tenant, token: id }, signal)
  const row = await rowOf(id)
  assert.equal(row['fingerprint_status'], 'computed')
  return String(row['fingerprint'])
}

async function rowOf(id: VaultTokenId): Promise<Record<string, unknown>> {
  const [row] = await database.asAdmin('SELECT * FROM ngome.vault_tokens WHERE id = $1', [id])
  return row as Record<string, unknown>
}

async function eventsOf(id: VaultTokenId): Promise<readonly unknown[]> {
  const rows = await database.asAdmin(`SELECT type FROM ngome.events WHERE data->>'token' = $1 ORDER BY at, id`, [id])
  return rows.map(({ type }) => type)
}

suite('a fingerprint', () => {
  test('is the same for equal values of one merchant, and for nothing else', async () => {
    const first = await fingerprint(await merchant.keep('phone', '+256771234567'))
    assert.match(first, /^fpr_[A-Za-z0-9_-]{22}$/)
    assert.equal(await fingerprint(await merchant.keep('phone', '+256771234567')), first)
    assert.notEqual(await fingerprint(await merchant.keep('phone', '+256771234568')), first)
    assert.notEqual(await fingerprint(await merchant.keep('text', '+256771234567')), first, 'of another type')
    assert.notEqual(await fingerprint(await other.keep('phone', '+256771234567'), other), first, 'of another merchant')
  })

  test('is not the blind index, nor any part of it', () => {
    const index = systemRandom.bytes(32)
    const text = Buffer.from(firstFingerprint(index), 'base64url')
    for (let at = 0; at + 4 <= text.length; at++) assert.equal(Buffer.from(index).includes(text.subarray(at, at + 4)), false)
  })

  test('does not change when its job runs twice, and is not given to a token that ended meanwhile', async () => {
    const id = await merchant.keep('text', 'twice')
    assert.equal(await fingerprint(id), await fingerprint(id))
    const gone = await merchant.keep('text', 'gone', { expiresAtMs: Date.now() + 5 })
    await new Promise((resolve) => setTimeout(resolve, 10))
    await indexVaultToken(dispatcher(), { ...merchant.tenant, token: gone }, signal)
    assert.equal((await rowOf(gone))['fingerprint'], null)
  })

  test('of card numbers is found by nobody who holds the outer key and the database, whatever he tries', async () => {
    const prefix = '492973729041'
    const stored = await fingerprint(await merchant.keep('card_number', `${prefix}7382`))
    // The thief's best: all numbers below a prefix through our half and our last step, without the custodian's key.
    for (let tail = 0; tail < 10_000; tail++) {
      const value = `vault/card_number/${prefix}${String(tail).padStart(4, '0')}`
      const half = outerKey.expose((key) => createHmac('sha256', key).update(value).digest())
      assert.notEqual(`fpr_${firstFingerprint(half)}`, stored)
    }
  })
})

suite('where an index key was replaced', () => {
  const advanced = (owner: SealingMerchant, custodian: Pick<CustodianClient, 'call'> = { call: callFor(owner) }) =>
    advanceFingerprints({ db, custodian }, signal)
  const callFor = (owner: SealingMerchant): CustodianClient['call'] => async (path, body, options) =>
    call(owner)(path, (path === '/v1/index-rotations' ? owner.tenant : body) as typeof body, options)

  test('new values go through both keys, and what is kept is taken on to meet them', async () => {
    const owner = await SealingMerchant.create(database)
    const before = [await owner.keep('text', 'same'), await owner.keep('text', 'other')]
    for (const id of before) assert.match(await fingerprint(id, owner), /^fpr_/)
    const ended = await owner.keep('text', 'ended')
    await fingerprint(ended, owner)
    await endVaultToken(db, owner.tenant, ended, { as: 'deleted', atMs: Date.now(), event: endEvent(owner, ended) })
    generations.set(owner.tenant.merchant, 2)
    const fresh = await fingerprint(await owner.keep('text', 'same'), owner)
    assert.match(fresh, /^fpr2_/)
    progress.length = 0
    await advanced(owner)
    assert.deepEqual(progress, [2, 0])
    assert.equal((await rowOf(before[0] as VaultTokenId))['fingerprint'], fresh)
    assert.notEqual((await rowOf(before[1] as VaultTokenId))['fingerprint'], fresh)
    assert.equal((await rowOf(ended))['fingerprint'], null)
    await advanced(owner)
    assert.equal((await rowOf(before[0] as VaultTokenId))['fingerprint'], fresh, 'nothing is taken on twice')
  })

  test('a run that dies between the answer and the row, or two that run at once, take everything on once', async () => {
    const owner = await SealingMerchant.create(database)
    const ids: VaultTokenId[] = []
    for (const value of ['a', 'b', 'c']) ids.push(await owner.keep('text', value))
    for (const id of ids) await fingerprint(id, owner)
    generations.set(owner.tenant.merchant, 3)
    let answers = 0
    await assert.rejects(advanced(owner, { call: async (path, body, options) => {
      const answer = await callFor(owner)(path, body, options)
      if (path === '/v1/advance-fingerprints' && answers++ === 0) throw new Fault('custodian/unavailable', 'killed')
      return answer
    } }), { code: 'custodian/unavailable' })
    await Promise.all([advanced(owner), advanced(owner)])
    for (const [at, value] of ['a', 'b', 'c'].entries()) {
      assert.equal((await rowOf(ids[at] as VaultTokenId))['fingerprint'], await fingerprint(await owner.keep('text', value), owner))
    }
  })

  test('an answer of a wrong form changes no row', async () => {
    const owner = await SealingMerchant.create(database)
    const id = await owner.keep('text', 'x')
    const before = await fingerprint(id, owner)
    generations.set(owner.tenant.merchant, 2)
    for (const answer of [{ generation: 2, fingerprints: [] }, { generation: 1, fingerprints: ['A'.repeat(22)] }, { generation: 2, fingerprints: ['AAAA'] }]) {
      await assert.rejects(advanced(owner, { call: async (path, body, options) => (
        path === '/v1/advance-fingerprints' ? answer as never : callFor(owner)(path, body, options)
      ) }), { code: 'custodian/unavailable' })
    }
    assert.equal((await rowOf(id))['fingerprint'], before)
  })
})

function endEvent(owner: SealingMerchant, token: VaultTokenId) {
  return emit({ clock: systemClock, random: systemRandom, process: 'dispatcher' }, 'vault.token_deleted', owner.tenant, { token })
}

const forgeries: readonly (readonly [string, Parameters<SealingMerchant['keep']>[2]])[] = [
  ['a blob that was sealed for another token', { context: { recordId: 'tok_01k8z3f7q2e9d8m4n6p0r5s7tv' } }],
  ['a blob of another table', { context: { table: 'payments' } }],
  ['a type that is not what was sealed', { sealed: { type: 'phone' } }],
  ['an end that is not what was sealed', { sealed: { expires_at: '2030-01-01T00:00:00.000Z' } }],
  ['an empty value', { sealed: { value: '' } }],
]
for (const [what, options] of forgeries) {
  test(`${what} does not open: an alarm, and no fingerprint`, async () => {
    const id = await merchant.keep('text', 'forged', options)
    await indexVaultToken(dispatcher(), { ...merchant.tenant, token: id }, signal)
    const row = await rowOf(id)
    assert.deepEqual([row['fingerprint_status'], row['fingerprint']], ['unavailable', null])
    assert.deepEqual(await eventsOf(id), ['vault.token_created', 'vault.token_unopenable'])
  })
}

test('a token that was swapped into another merchant\'s name is not there', async () => {
  const id = await merchant.keep('text', 'mine')
  assert.deepEqual(await openVaultToken(dispatcher(other), 'vault-index', other.tenant, id, signal), { kind: 'gone' })
})

test('a custodian that says later fails the job, which runs again', async () => {
  const id = await merchant.keep('text', 'later')
  const waiting = dispatcher(merchant, { openSealed: async () => ({ kind: 'later', reason: 'budget' }) })
  await assert.rejects(indexVaultToken(waiting, { ...merchant.tenant, token: id }, signal), { code: 'custodian/unavailable' })
  const unindexed = dispatcher(merchant, { computeFingerprint: async () => { throw new Fault('custodian/refused', 'spent') } })
  await assert.rejects(indexVaultToken(unindexed, { ...merchant.tenant, token: id }, signal), { code: 'custodian/refused' })
  assert.equal((await rowOf(id))['fingerprint_status'], 'pending')
  await fingerprint(id)
})

test('an index of a wrong form is no index', async () => {
  for (const indexes of [[], ['AAAA'], [toBase64Url(systemRandom.bytes(32)), toBase64Url(systemRandom.bytes(32))]]) {
    const compute = fingerprintComputer({ call: async () => ({ indexes, generation: 1 }) as never }, outerKey)
    await assert.rejects(compute(merchant.tenant, new Secret('vault/text/x')), { code: 'custodian/unavailable' })
  }
})

test('a custodian that leaves a secret out gives none', async () => {
  const value = toBase64Url(systemRandom.bytes(32))
  const call = async (): Promise<never> => ({ secrets: [{ name: 'callback', version: 1, value }] }) as never
  await assert.rejects(fetchSecrets({ call }), { code: 'custodian/unavailable' })
})

suite('expiry', () => {
  test('removes what is over, of every tenant, and nothing else', async () => {
    const over = Date.now() + 30
    const [mine, theirs, kept, later] = await Promise.all([
      merchant.keep('text', 'over', { expiresAtMs: over }), other.keep('text', 'over', { expiresAtMs: over }),
      merchant.keep('text', 'kept'), merchant.keep('text', 'later', { expiresAtMs: over + 86_400_000 }),
    ])
    await expireVaultTokens({ ...dispatcher(), clock: new ManualClock(over + 1_000) }, signal)
    for (const id of [mine, theirs]) {
      const row = await rowOf(id)
      assert.deepEqual([row['ended'], row['sealed']], ['expired', null])
      assert.deepEqual(await eventsOf(id), ['vault.token_created', 'vault.token_expired'])
    }
    for (const id of [kept, later]) assert.equal((await rowOf(id))['ended'], null)
  })

  test('counts at once, before its job comes by', async () => {
    const id = await merchant.keep('text', 'soon', { expiresAtMs: Date.now() + 60_000 })
    const after_ = dispatcher(merchant, { clock: new ManualClock(Date.now() + 60_001) })
    assert.deepEqual(await openVaultToken(after_, 'vault-index', merchant.tenant, id, signal), { kind: 'gone' })
  })
})

test('no value that was opened is in the log', () => {
  assert.ok(logLines.length > 0)
  for (const value of ['771234567', '492973729041']) assert.equal(logLines.some((line) => line.includes(value)), false)
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ManualClock, newId, Secret, systemRandom as random, type AcmeOrderId } from '@ngome/kernel'
import { createLogger, proveOcspResponse } from '@ngome/runtime'
import { endAcmeOrder, type AcmeOrderRow, type Database } from '@ngome/store'
import { AcmeResponder, AcmeSimulator, testDatabase, type TestDatabase } from '@ngome/testkit'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { newRequest, OrderingGateway } from '../testing/ordering-gateway.ts'
import { AccountKeeper } from './account.ts'
import { askDueRenewals, workOnDueOrders, type AcmePorts } from './watch-orders.ts'

const names = ['localhost', '127.0.0.1']
const hourMs = 3_600_000
const macKey = 'bWFjLWtleS1vZi10aGUtdGVzdA-mac-key'

let database: TestDatabase
let db: Database
let simulator: AcmeSimulator
let responder: AcmeResponder
let gateway: OrderingGateway
const clock = new ManualClock(Date.now())
const folders: string[] = []
const log: string[] = []
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher', { poolMax: 2 })
  gateway = await OrderingGateway.start(database.open('ngome_gateway', { poolMax: 2 }), clock)
  responder = await AcmeResponder.start()
  simulator = await AcmeSimulator.start({
    VALIDATE_AT: `127.0.0.1:${gateway.port}`, EXTERNAL_ACCOUNT: `kid-1:${macKey}`, RESPONDER: `http://${responder.address}/`,
  })
  await responder.certifyBy(simulator)
})
after(async () => {
  gateway.close()
  responder.close()
  await simulator.stop()
  await database.close()
  for (const folder of folders) rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  await simulator.script()
  await database.asAdmin('TRUNCATE ngome.acme_orders CASCADE')
  log.length = 0
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-acme-'))
  folders.push(folder)
  return folder
}

/** A dispatcher's part of it; each has a folder, and so an account, of its own. */
function ports(changes: Partial<AcmePorts['settings']> & { readonly folder?: string; readonly allowed?: readonly string[] } = {}): AcmePorts {
  const { folder = newFolder(), allowed = [`localhost:${simulator.port}`], ...more } = changes
  const settings = {
    directoryUrl: simulator.directoryUrl, termsAgreed: true, contact: ['mailto:tls@example.com'], names, listen: '127.0.0.1:80',
    externalAccount: { keyId: 'kid-1', macKey: new Secret(macKey) }, ...more,
  }
  const egress = createEgressGuard({
    providers: {}, allowPrivate: allowed, resolve: () => Promise.reject(new Error('not asked')), resolveOperators: () => Promise.resolve(['127.0.0.1']),
    certificateAuthority: { directoryUrl: settings.directoryUrl, trust: { authorities: [simulator.root] } },
  })
  const logger = createLogger({ process: 'dispatcher', level: 'warn', destination: { write: (line: string) => void log.push(line) } })
  return { db, egress, settings, clock, random, logger, accounts: new AccountKeeper(folder, settings, random) }
}

/** Goes on, as the watch does, until `isSo` or the rounds are over; the clock stands ahead of what is waited for. */
async function workUntil(from: AcmePorts, id: AcmeOrderId, isSo: (row: AcmeOrderRow) => boolean): Promise<AcmeOrderRow> {
  for (let round = 0; round < 40; round++) {
    await workOnDueOrders(from)
    const row = await gateway.row(id)
    if (isSo(row)) return row
    clock.advance(2_001)
    await sleep(10)
  }
  const { state, problem, detail } = await gateway.row(id)
  throw new Error(`it is ${state}: ${problem} ${detail}`)
}

/** Works on an order until the process would be gone: at a request that is never answered. @returns whether it was issued before */
async function dieAt({ id, at, isSent, ...from }: AcmePorts & { readonly id: AcmeOrderId; readonly at: number; readonly isSent: boolean }): Promise<boolean> {
  const died = Promise.withResolvers<'died'>()
  let requests = 0
  const egress: AcmePorts['egress'] = {
    toCertificateAuthority: async (...request) => {
      const isLast = ++requests === at
      const answer = isLast && !isSent ? undefined : await from.egress.toCertificateAuthority(...request)
      if (!isLast && answer !== undefined) return answer
      died.resolve('died')
      return new Promise(() => undefined)
    },
  }
  for (;;) {
    if (await Promise.race([workOnDueOrders({ ...from, egress }), died.promise]) === 'died') return false
    if (isIssued(await gateway.row(id))) return true
    clock.advance(2_001)
    await sleep(10)
  }
}

const isIssued = ({ state }: AcmeOrderRow): boolean => state === 'issued'
const hasFailed = ({ tries }: AcmeOrderRow): boolean => tries > 0

async function eventOf(id: AcmeOrderId): Promise<Record<string, unknown> | undefined> {
  const rows = await database.asAdmin(`SELECT severity, data FROM ngome.events WHERE type = 'tls.acme_failed' AND data ->> 'order' = $1 ORDER BY at DESC, id DESC`, [id])
  return rows[0]
}

describe('an order', () => {
  test('is filled, with an account that is kept, and is never seen by others', async () => {
    const from = ports()
    const id = await gateway.order(names)
    const { chain } = await workUntil(from, id, isIssued)
    const leaf = new X509Certificate(chain ?? '')
    assert.deepEqual([leaf.checkHost('localhost'), leaf.checkIP('127.0.0.1')], ['localhost', '127.0.0.1'])
    assert.deepEqual((await database.asAdmin('SELECT token FROM ngome.acme_challenges')), [])
    const folder = join(folders.at(-1) ?? '', 'acme')
    const [file = ''] = readdirSync(folder)
    assert.deepEqual([statSync(folder).mode & 0o777, statSync(join(folder, file)).mode & 0o777], [0o700, 0o600])
    const kept = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { key: { d: string }; accountUrl: string }
    assert.equal((await gateway.row(id)).account, kept.accountUrl)
    const everything = JSON.stringify(await database.asAdmin('SELECT * FROM ngome.acme_orders')) + log.join()
    assert.ok(!everything.includes(kept.key.d))
    assert.deepEqual((await simulator.books()).accounts.at(-1)?.contact, ['mailto:tls@example.com'])
  })

  test('that was begun is gone on with by the next process, and by another dispatcher begun anew', async () => {
    const folder = newFolder()
    const id = await gateway.order(names)
    await workOnDueOrders(ports({ folder }))
    const { orderUrl, state } = await gateway.row(id)
    assert.equal(state, 'ordered')
    clock.advance(2_001)
    assert.equal((await workUntil(ports({ folder }), id, isIssued)).orderUrl, orderUrl)
    const next = await gateway.order(names, { instance: newId('gatewayInstance', { clock, random }) })
    await workOnDueOrders(ports({ folder }))
    const { orderUrl: first } = await gateway.row(next)
    clock.advance(2_001)
    assert.notEqual((await workUntil(ports(), next, isIssued)).orderUrl, first)
  })

  test('whose dispatcher dies at any request, sent or not, is another\'s half a minute later', async () => {
    let isIssuedAlive = false
    for (let at = 1; !isIssuedAlive; at++) {
      const folder = newFolder()
      const id = await gateway.order(names, { instance: newId('gatewayInstance', { clock, random }) })
      isIssuedAlive = await dieAt({ ...ports({ folder }), id, at, isSent: at % 2 === 0 })
      if (isIssuedAlive) break
      const { dueAtMs } = await gateway.row(id)
      assert.ok(dueAtMs > clock.nowMs() && dueAtMs <= clock.nowMs() + 30_000, `at request ${at}: ${dueAtMs - clock.nowMs()}`)
      clock.advance(30_001)
      assert.equal((await workUntil(ports({ folder }), id, isIssued)).tries, 0, `at request ${at}`)
      assert.ok(at < 30)
    }
  })

  test('whose dispatcher is stopped in the middle has not failed, and is the next one\'s at once', async () => {
    const folder = newFolder()
    const id = await gateway.order(names)
    const stopping = new AbortController()
    const { egress, ...from } = ports({ folder })
    let requests = 0
    await workOnDueOrders({ ...from, egress: {
      toCertificateAuthority: (...request) => {
        if (++requests < 5) return egress.toCertificateAuthority(...request)
        // As the way out is closed at the end.
        stopping.abort()
        return Promise.resolve({ kind: 'unreached', reason: 'closed' })
      },
    } }, stopping.signal)
    const { tries, problem, dueAtMs } = await gateway.row(id)
    assert.deepEqual([tries, problem, dueAtMs], [0, null, clock.nowMs()])
    assert.equal(await eventOf(id), undefined)
    await workUntil(ports({ folder }), id, isIssued)
  })

  test('waits while the authority is at it, and is made anew where that lasts for an hour', async () => {
    const from = ports()
    const id = await gateway.order(names)
    await simulator.script({ on: 'order', do: { kind: 'processing' } })
    await workOnDueOrders(from)
    clock.advance(2_001)
    await workOnDueOrders(from)
    assert.deepEqual([(await gateway.row(id)).state, (await gateway.row(id)).tries], ['ordered', 0])
    clock.advance(hourMs)
    const { problem, state, orderUrl } = await workUntil(from, id, hasFailed)
    assert.deepEqual([problem, state, orderUrl], ['ngome:order_stuck', 'requested', null])
    await simulator.script()
    clock.advance(hourMs)
    await workUntil(from, id, isIssued)
  })

  test('survives bad nonces, but not endless ones', async () => {
    const from = ports()
    const id = await gateway.order(names)
    const bad = { on: 'newOrder', do: { kind: 'problem', type: 'badNonce', status: 400 } }
    await simulator.script({ ...bad, times: 3 })
    await workUntil(from, id, isIssued)
    await endAcmeOrder(database.open('ngome_gateway', { poolMax: 1 }), id, { state: 'installed' }, clock.nowMs())
    await simulator.script(bad)
    const next = await gateway.order(names)
    assert.equal((await workUntil(from, next, hasFailed)).problem, 'urn:ietf:params:acme:error:badNonce')
  })

  test('registers again where the authority has forgotten the account', async () => {
    const from = ports()
    await workUntil(from, await gateway.order(names), isIssued)
    await simulator.forget()
    const id = await gateway.order(names, { instance: newId('gatewayInstance', { clock, random }) })
    assert.equal((await workUntil(from, id, hasFailed)).problem, 'urn:ietf:params:acme:error:accountDoesNotExist')
    clock.advance(hourMs)
    await workUntil(from, id, isIssued)
  })

  test('says which certificate it replaces, and goes without where the authority will not have that', async () => {
    const from = ports()
    const operatorSees = database.open('ngome_gateway', { poolMax: 1 })
    const renew = async (): Promise<string | null | undefined> => {
      const id = await gateway.order(names)
      await workUntil(from, id, isIssued)
      await endAcmeOrder(operatorSees, id, { state: 'installed' }, clock.nowMs())
      clock.advance(1_000)
      return (await simulator.books()).orders.at(-1)?.replaces
    }
    assert.equal(await renew(), null)
    assert.match(await renew() ?? '', /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
    await simulator.script({ on: 'newOrder', do: { kind: 'problem', type: 'alreadyReplaced', status: 409 }, times: 1 })
    assert.equal(await renew(), null)
  })
})

type Attack = {
  readonly claim: string
  readonly rules?: readonly object[]
  readonly order?: { readonly names?: readonly string[]; readonly csrNames?: readonly string[]; readonly csr?: () => Promise<string> }
  readonly settings?: Parameters<typeof ports>[0]
  readonly problem: RegExp
  /** At least, in milliseconds. */
  readonly pauseMs?: number
  readonly state?: AcmeOrderRow['state']
}
const issue = (flaw: string): readonly object[] => [{ on: 'finalize', do: { kind: 'issue', flaw } }]
const ours = (name: string): RegExp => new RegExp(`^ngome:${name}$`)

/** Each row is an authority gone bad, or somebody who writes the order table: nothing is issued, the operator hears all. */
const attacks: readonly Attack[] = [
  { claim: 'a certificate for another key', rules: issue('other_key'), problem: ours('chain_of_another') },
  { claim: 'a certificate for other names', rules: issue('other_names'), problem: ours('chain_of_another') },
  { claim: 'a certificate for one name more', rules: issue('more_names'), problem: ours('chain_of_another') },
  { claim: 'an order that became another', rules: [{ on: 'order', do: { kind: 'other_order' } }], problem: ours('order_changed') },
  { claim: 'a token that leaves its folder', rules: [{ on: 'authorization', do: { kind: 'token', token: '../../../../../../../etc/passwd' } }], problem: ours('unreadable_answer') },
  { claim: 'a token with a line end', rules: [{ on: 'authorization', do: { kind: 'token', token: `${'t'.repeat(30)}\r\nx: y` } }], problem: ours('unreadable_answer') },
  { claim: 'a token that can be guessed', rules: [{ on: 'authorization', do: { kind: 'token', token: 'abc' } }], problem: ours('unreadable_answer') },
  { claim: 'a directory that leads to a private address', rules: [{ on: 'directory', do: { kind: 'elsewhere', url: 'https://169.254.169.254/x' } }], problem: ours('away_from_itself') },
  { claim: 'a directory that leads to another port of the same machine', rules: [{ on: 'directory', do: { kind: 'elsewhere', url: 'https://localhost:1/x' } }], problem: ours('away_from_itself') },
  { claim: 'an order that leads to plain HTTP', rules: [{ on: 'order', do: { kind: 'elsewhere', url: 'http://localhost/x' } }], problem: ours('away_from_itself') },
  { claim: 'a redirect, which is not followed', rules: [{ on: 'newOrder', do: { kind: 'redirect', location: 'https://169.254.169.254/' } }], problem: /^http:302$/ },
  { claim: 'an answer without end', rules: [{ on: 'directory', do: { kind: 'huge' } }], problem: ours('unreached') },
  { claim: 'an answer of another form', rules: [{ on: 'directory', do: { kind: 'answer', status: 500 } }], problem: /^http:500$/ },
  { claim: 'a limit, with its own pause', rules: [{ on: 'newOrder', do: { kind: 'problem', type: 'rateLimited', status: 429, retryAfter: '7200' } }], problem: /:rateLimited$/, pauseMs: 2 * hourMs },
  { claim: 'a pause of a year, which is kept to a day', rules: [{ on: 'newOrder', do: { kind: 'problem', type: 'rateLimited', status: 429, retryAfter: '31536000' } }], problem: /:rateLimited$/, pauseMs: 24 * hourMs },
  { claim: 'an authority that cannot serve', rules: [{ on: 'finalize', do: { kind: 'problem', type: 'serverInternal', status: 503 } }], problem: /:serverInternal$/ },
  { claim: 'a challenge that fails', rules: [{ on: 'challenge', do: { kind: 'invalid' } }], problem: /:unauthorized$/, state: 'requested' },
  { claim: 'words that would move a cursor', rules: [{ on: 'newOrder', do: { kind: 'problem', type: 'malformed', status: 400, detail: 'a\u001b[2Jb\r\nc' } }], problem: /:malformed$/ },
  { claim: 'a problem whose type is a story', rules: [{ on: 'newOrder', do: { kind: 'problem', type: 'x: <script>alert(1)</script>', status: 400 } }], problem: ours('unreadable_answer') },
  { claim: 'names that the operator did not configure', order: { names: ['evil.example'] }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'a name fewer than is configured', order: { names: ['localhost'] }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'a request for other names than the row says', order: { csrNames: [...names, 'evil.example'] }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'a request that is none', order: { csr: async () => 'x'.repeat(200) }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'a request that its key did not sign', order: { csr: async () => stolenKey() }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'a request for a weak key', order: { csr: async () => weakKey() }, problem: ours('order_refused'), state: 'failed' },
  { claim: 'an account that is not bound', settings: { externalAccount: undefined }, problem: /:externalAccountRequired$/ },
  { claim: 'an account that is bound to somebody else', settings: { externalAccount: { keyId: 'kid-2', macKey: new Secret(macKey) } }, problem: /:unauthorized$/ },
  { claim: 'half a binding', settings: { externalAccount: { keyId: 'kid-1' } }, problem: ours('external_account_incomplete') },
  { claim: 'an authority at a private address that the operator did not allow', settings: { allowed: [] }, problem: ours('away_from_itself') },
]

async function stolenKey(): Promise<string> {
  const [mine, other] = [await newRequest(names), await newRequest(names)]
  const [a, b] = [mine.csr, other.csr].map((pem) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'))
  if (a === undefined || b === undefined) throw new Error('two requests')
  // Another's key in a request that ours signed.
  const at = a.indexOf(Buffer.from('03420004', 'hex'))
  const to = b.indexOf(Buffer.from('03420004', 'hex'))
  b.copy(a, at, to, to + 68)
  return `-----BEGIN CERTIFICATE REQUEST-----\n${a.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE REQUEST-----\n`
}

async function weakKey(): Promise<string> {
  const keys = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2_048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, true, ['sign', 'verify'])
  return (await newRequest(names, { keys })).csr
}

describe('nothing is issued, the alarm says all of it, and it is tried again later:', () => {
  for (const { claim, rules = [], order: { names: ordered = names, csr, ...more } = {}, settings, problem, pauseMs = 60_000, state } of attacks) {
    test(claim, async () => {
      await simulator.script(...rules)
      const id = await gateway.order(ordered, { ...more, ...csr === undefined ? {} : { csr: await csr() } })
      const row = await workUntil(ports(settings), id, hasFailed)
      assert.match(row.problem ?? '', problem)
      assert.match(row.detail ?? '', /^[\x20-\x7e]+$/)
      assert.equal(row.chain, null)
      if (state !== undefined) assert.equal(row.state, state)
      const retryAt = row.state === 'failed' ? null : new Date(row.dueAtMs).toISOString()
      if (row.state !== 'failed') assert.ok(row.dueAtMs - clock.nowMs() >= pauseMs - 5_000 && row.dueAtMs - clock.nowMs() <= pauseMs + 5_000, `${row.dueAtMs - clock.nowMs()}`)
      assert.deepEqual(await eventOf(id), {
        severity: 'alarm', data: { order: id, names: ordered, problem: row.problem, detail: row.detail, tries: 1, retry_at: retryAt },
      })
    })
  }

  test('an authority that never answers', { timeout: 60_000 }, async () => {
    await simulator.script({ on: 'directory', do: { kind: 'hang' } })
    const id = await gateway.order(names)
    assert.equal((await workUntil(ports(), id, hasFailed)).problem, 'ngome:unreached')
  })

  test('a gateway that asks for what it may not is never shown to the authority', async () => {
    const before = (await simulator.books()).orders.length
    await workUntil(ports(), await gateway.order(['evil.example']), hasFailed)
    assert.equal((await simulator.books()).orders.length, before)
  })

  test('each failure has a longer pause than the one before', async () => {
    await simulator.script({ on: 'newOrder', do: { kind: 'answer', status: 500 } })
    const from = ports()
    const id = await gateway.order(names)
    const pauses: number[] = []
    for (let tries = 1; tries <= 6; tries++) {
      await workOnDueOrders(from)
      pauses.push((await gateway.row(id)).dueAtMs - clock.nowMs())
      clock.advance(pauses.at(-1) ?? 0)
    }
    assert.deepEqual(pauses, [60_000, 240_000, 960_000, 3_840_000, 21_600_000, 21_600_000])
  })
})

test('what is issued can be asked about where it says, whoever answers there for its authority', async () => {
  const id = await gateway.order(names)
  const { chain } = await workUntil(ports(), id, isIssued)
  const [leaf, issuer] = (chain ?? '').split(/(?<=-----END CERTIFICATE-----\n)/).filter((pem) => pem.includes('BEGIN')).map((pem) => new X509Certificate(pem))
  assert(leaf !== undefined && issuer !== undefined)
  const egress = createEgressGuard({ providers: {}, allowPrivate: [responder.address], resolve: () => Promise.reject(new Error('not asked')) })
  for (const status of ['good', 'revoked'] as const) {
    responder.says = { status }
    const answer = await egress.toResponder({ leaf, issuer, isPosted: false, timeoutMs: 5_000 })
    assert(answer.kind === 'answered')
    assert.equal(proveOcspResponse(answer.body, { leaf, issuer, nowMs: Date.now() }).kind, status)
  }
  egress.close()
})

test('a webhook reaches no certificate authority, not even one that is allowed by name', async () => {
  const { settings } = ports()
  const egress = createEgressGuard({
    providers: {}, allowPrivate: [`localhost:${simulator.port}`], resolve: () => Promise.resolve(['127.0.0.1']),
    certificateAuthority: { directoryUrl: settings.directoryUrl, trust: {} },
  })
  await assert.rejects(egress.toWebhook(settings.directoryUrl, { method: 'GET', headers: {}, body: new Uint8Array(), timeoutMs: 1_000 }), { code: 'egress/refused' })
  egress.close()
})

test('the authority is asked when to renew, and one moment of its window is chosen, once', async () => {
  const from = ports()
  const id = await gateway.order(names)
  await workUntil(from, id, isIssued)
  await endAcmeOrder(database.open('ngome_gateway', { poolMax: 1 }), id, { state: 'installed' }, clock.nowMs())
  const window = (startS: number, endS: number): object => ({ on: 'renewalInfo', do: { kind: 'window', startS, endS } })
  const ask = async (): Promise<number | null> => {
    await askDueRenewals(from)
    return (await gateway.row(id)).renewAtMs
  }
  await simulator.script(window(3_600, 86_400))
  const first = await ask()
  assert.ok(first !== null && first >= Date.now() + 3_500_000 && first <= Date.now() + 86_500_000)
  await simulator.script(window(-7_200, -3_600))
  assert.equal(await ask(), first)
  clock.advance(hourMs)
  assert.ok((await ask() ?? 0) < Date.now())
  await simulator.script({ on: 'renewalInfo', do: { kind: 'answer', status: 500 } })
  clock.advance(hourMs)
  assert.ok((await ask() ?? 0) < Date.now())
})

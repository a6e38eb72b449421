import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { emit } from '@ngome/contracts'
import { ManualClock, systemRandom as random } from '@ngome/kernel'
import { signPinSet, spkiPin } from '@ngome/runtime'
import { findLastTlsChecks, insertPinSet, type Database } from '@ngome/store'
import { TestAuthority, testDatabase, type TestDatabase } from '@ngome/testkit'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { checkPublicTls, type PublicTlsPorts } from './check-public-tls.ts'
import { checkDue } from './watch-public-tls.ts'

const dayMs = 86_400_000
const years = 10 * 365 * dayMs

let database: TestDatabase
let db: Database
let authority: TestAuthority
let own: { readonly key: string; readonly cert: string }
const open: Server[] = []
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher', { poolMax: 2 })
  authority = await TestAuthority.create('Root', years)
  own = await authority.issueWithKey('gateway', { notAfter: new Date(Date.now() + 90 * dayMs) })
})
after(async () => {
  for (const server of open) close(server)
  await database.close()
})
const close = (server: Server): void => {
  server.closeAllConnections()
  server.close()
}

const strict: ServerOptions = {
  minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
  ecdhCurve: 'X25519MLKEM768:X25519:P-256',
}

async function listening(options: ServerOptions = {}): Promise<{ readonly server: Server; readonly address: string }> {
  const server = createServer({ ...own, ...strict, ...options }, (_, response) => {
    response.setHeader('strict-transport-security', 'max-age=31536000').end()
  })
  open.push(server)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, address: `localhost:${(server.address() as AddressInfo).port}` }
}

function portsFor(address: string, from: Partial<PublicTlsPorts> & { readonly clock: ManualClock }): PublicTlsPorts {
  const egress = createEgressGuard({
    providers: {}, allowPrivate: [], ownAddresses: [address], resolve: () => Promise.reject(new Error('not asked')),
    resolveOperators: () => Promise.resolve(['127.0.0.1']),
  })
  return { db, egress, random, roots: () => [authority.pem], isRenewedByItself: false, statementKey: authority.statementKeys.publicKey, ...from }
}

async function eventsSince(sequence: number): Promise<readonly string[]> {
  const rows = await database.asAdmin(`SELECT type FROM ngome.events WHERE type LIKE 'tls.%' ORDER BY xact, type <> 'tls.checked', type OFFSET ${sequence}`)
  return rows.map(({ type }) => String(type))
}
const eventCount = async (): Promise<number> => (await eventsSince(0)).length

describe('the look at a public address', () => {
  test('is kept, with all that was seen, and nobody can change it afterwards', async () => {
    const { address } = await listening()
    const clock = new ManualClock(Date.now())
    const count = await eventCount()
    const check = await checkPublicTls(portsFor(address, { clock }), address)
    assert.deepEqual([check.verdict, check.findings], ['sound', []])
    const [kept] = await findLastTlsChecks(db, address, 1)
    assert.deepEqual(kept, { ...check, chain: Buffer.from(check.chain ?? []) })
    assert.equal(kept?.observed?.chain.length, 2)
    assert.deepEqual(await eventsSince(count), ['tls.checked'])
    await assert.rejects(db.pool.query(`UPDATE ngome.tls_checks SET verdict = 'sound'`))
    await assert.rejects(db.pool.query('DELETE FROM ngome.tls_checks'))
    await assert.rejects(database.asAdmin(`UPDATE ngome.tls_checks SET verdict = 'sound'`), /evidence stays/)
  })

  test('raises an alarm for a flaw, once a day while it stays', async () => {
    const { address } = await listening({ minVersion: 'TLSv1.2', ciphers: 'DEFAULT:TLS_AES_256_GCM_SHA384:@SECLEVEL=0' })
    const clock = new ManualClock(Date.now())
    const ports = portsFor(address, { clock })
    const count = await eventCount()
    assert.equal((await checkPublicTls(ports, address)).verdict, 'flawed')
    assert.deepEqual(await eventsSince(count), ['tls.checked', 'tls.posture_failed'])
    await checkPublicTls(portsFor(address, { clock: new ManualClock(Math.floor(clock.nowMs() / dayMs) * dayMs + dayMs - 1) }), address)
    assert.deepEqual(await eventsSince(count + 2), ['tls.checked'])
    await checkPublicTls(portsFor(address, { clock: new ManualClock(clock.nowMs() + dayMs) }), address)
    assert.deepEqual(await eventsSince(count + 3), ['tls.checked', 'tls.posture_failed'])
  })

  test('warns a month and a week before the end, each once', async () => {
    const { address } = await listening()
    const count = await eventCount()
    const at = async (daysLeft: number): Promise<void> => {
      const clock = new ManualClock(Date.now() + (90 - daysLeft) * dayMs)
      // The handshake's own clock is the machine's; only what we judge by is moved.
      await checkPublicTls(portsFor(address, { clock }), address)
    }
    for (const daysLeft of [40, 30, 20, 7, 6]) await at(daysLeft)
    assert.deepEqual((await eventsSince(count)).filter((type) => type !== 'tls.checked'),
      ['tls.expires_soon', 'tls.expires_in_days', 'tls.expires_in_days'])
  })

  test('tells of another authority, and not of another leaf', async () => {
    const { server, address } = await listening()
    const other = await TestAuthority.create('Another root', years)
    const roots = (): readonly string[] => [authority.pem, other.pem]
    const look = async (): Promise<readonly string[]> => {
      const count = await eventCount()
      await checkPublicTls(portsFor(address, { clock: new ManualClock(Date.now()), roots }), address)
      return (await eventsSince(count)).filter((type) => type !== 'tls.checked')
    }
    const lasting = { notAfter: new Date(Date.now() + 90 * dayMs) }
    assert.deepEqual(await look(), [])
    server.setSecureContext({ ...strict, ...await authority.issueWithKey('gateway', lasting) })
    assert.deepEqual(await look(), [])
    server.setSecureContext({ ...strict, ...await other.issueWithKey('gateway', lasting) })
    assert.deepEqual(await look(), ['tls.chain_changed'])
    assert.deepEqual(await look(), [])
  })

  test('reminds of a planned root, once', async () => {
    const { address } = await listening()
    const plannedRootChange = { date: new Date(Date.now() + 20 * dayMs).toISOString().slice(0, 10), pin: `${'N'.repeat(42)}A=` }
    const count = await eventCount()
    for (let look = 0; look < 2; look++) {
      await checkPublicTls(portsFor(address, { clock: new ManualClock(Date.now()), plannedRootChange }), address)
    }
    assert.deepEqual(await eventsSince(count), ['tls.checked', 'tls.root_change_due', 'tls.checked'])
  })

  test('raises an alarm where no key of the chain is one that apps are told of', async () => {
    const { address } = await listening()
    const publish = async (version: number, spki: string): Promise<void> => {
      const pin = { not_before: new Date(0).toISOString(), not_after: new Date(Date.now() + years).toISOString() }
      const end = new Date(Date.now() + dayMs).toISOString()
      const statement = signPinSet({
        version, names: ['localhost'], issued_at: new Date().toISOString(), expires_at: end,
        pins: [{ ...pin, role: 'current', spki_sha256: spki }, { ...pin, role: 'backup', spki_sha256: `${'B'.repeat(42)}A=` }],
      }, authority.statementKeys.privateKey)
      const clock = new ManualClock(Date.now())
      await insertPinSet(database.open('ngome_operator', { poolMax: 1 }), { version, statement, publishedAtMs: clock.nowMs() },
        emit({ clock, random, process: 'operator' }, 'tls.pins_published', null, { version }))
    }
    const look = async (): Promise<readonly string[]> => (await checkPublicTls(portsFor(address, { clock: new ManualClock(Date.now()) }), address)).findings
    await publish(1, `${'C'.repeat(42)}A=`)
    assert.deepEqual(await look(), ['pin_unmatched'])
    await publish(2, spkiPin(new X509Certificate(authority.pem).publicKey))
    assert.deepEqual(await look(), [])
  })

  test('that reaches nobody is no evidence that all is well, and is told the second time', async () => {
    const address = 'localhost:1'
    const count = await eventCount()
    for (let look = 0; look < 3; look++) {
      const check = await checkPublicTls(portsFor(address, { clock: new ManualClock(Date.now() + look) }), address)
      assert.equal(check.verdict, 'not_reached')
    }
    assert.deepEqual(await eventsSince(count), ['tls.checked', 'tls.checked', 'tls.posture_doubtful', 'tls.checked'])
  })

  test('is refused by the egress guard where the address is not ours', async () => {
    const ports = portsFor('localhost:1', { clock: new ManualClock(0) })
    await assert.rejects(checkPublicTls(ports, 'localhost:2'), { code: 'egress/refused' })
    await assert.rejects(checkPublicTls(ports, '169.254.169.254:80'), { code: 'egress/refused' })
  })
})

test('looks are as far apart as the interval, across restarts, and sooner where nobody was reached', async () => {
  const { address } = await listening()
  const away = 'localhost:1'
  const startMs = Date.now() + dayMs
  const checks = async (atMs: number, of: string): Promise<number> => {
    const before = (await findLastTlsChecks(db, of, 100)).length
    await checkDue(portsFor(of, { clock: new ManualClock(atMs) }), [of], 3_600_000, new AbortController().signal)
    return (await findLastTlsChecks(db, of, 100)).length - before
  }
  assert.deepEqual([await checks(startMs, address), await checks(startMs + 3_599_999, address), await checks(startMs + 3_600_000, address)], [1, 0, 1])
  assert.deepEqual([await checks(startMs, away), await checks(startMs + 59_999, away), await checks(startMs + 60_000, away)], [1, 0, 1])
})

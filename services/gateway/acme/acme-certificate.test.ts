import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { CertificateRefusal } from '@ngome/contracts'
import { ManualClock, systemRandom as random, type AcmeOrderId } from '@ngome/kernel'
import { createLogger, x509 } from '@ngome/runtime'
import { findAcmeOrders, recordAcmeProgress, recordAcmeRenewal, askAcmeRenewal, type AcmeOrderRow, type Database } from '@ngome/store'
import { emit } from '@ngome/contracts'
import { TestAuthority, testDatabase, type TestDatabase } from '@ngome/testkit'
import type { PublicCertificate } from '../http/public-server.ts'
import { AcmeCertificate } from './acme-certificate.ts'
import { AcmeFolder } from './acme-folder.ts'
import { renewalTimeMs } from './renewal-time.ts'

const names = ['localhost', 'api.example']
const dayMs = 86_400_000
const hourMs = 3_600_000

let database: TestDatabase
let db: Database
let dispatcher: Database
let authority: TestAuthority
const clock = new ManualClock(Date.now())
const folders: string[] = []
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_gateway', { poolMax: 2 })
  dispatcher = database.open('ngome_dispatcher', { poolMax: 1 })
  authority = await TestAuthority.create('Root', 3_650 * dayMs)
})
beforeEach(() => database.asAdmin('TRUNCATE ngome.acme_orders CASCADE'))
after(async () => {
  await database.close()
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A gateway's process in a folder; another one in the same folder is its successor. */
class Process {
  readonly own: string
  readonly folder: AcmeFolder
  readonly certificate: AcmeCertificate
  readonly loaded: PublicCertificate[] = []
  readonly alarms: string[] = []

  constructor(own?: string, changes: { readonly names?: readonly string[]; readonly database?: Database } = {}) {
    this.own = own ?? mkdtempSync(join(tmpdir(), 'ngome-gateway-acme-'))
    if (own === undefined) folders.push(this.own)
    this.folder = new AcmeFolder(this.own, { clock, random })
    const logger = createLogger({
      process: 'gateway', level: 'error', destination: { write: (line: string) => void this.alarms.push(String((JSON.parse(line) as { reason: unknown }).reason)) },
    })
    this.certificate = new AcmeCertificate({
      folder: this.folder, names, publicNames: ['localhost'], roots: () => [authority.pem], database: db, clock, random, logger, ...changes,
    })
  }

  look(): Promise<boolean> {
    // No two orders of one millisecond, as in a world whose clock goes on.
    clock.advance(1)
    return this.certificate.look((certificate) => void this.loaded.push(certificate))
  }

  async orders(): Promise<readonly AcmeOrderRow[]> {
    return findAcmeOrders(db, this.folder.instance)
  }

  async newest(): Promise<AcmeOrderRow> {
    const [row] = await this.orders()
    if (row === undefined) throw new Error('nothing was ordered')
    return row
  }
}

/** The gateway's database, which answers the first question only after something else. */
function afterwards(first: () => Promise<unknown>): Database {
  let isFirst = true
  const kysely = new Proxy(db.kysely, {
    get: (target, name) => name !== 'transaction' ? Reflect.get(target, name) as unknown : () => ({
      execute: async (use: Parameters<ReturnType<typeof target.transaction>['execute']>[0]) => {
        if (isFirst) {
          isFirst = false
          await first()
        }
        return target.transaction().execute(use)
      },
    }),
  })
  return { ...db, kysely }
}

async function issued({ id, csr, names: ordered }: AcmeOrderRow, make?: (csr: string) => Promise<string>): Promise<void> {
  await recordAcmeProgress(dispatcher, id, { state: 'ordered', dueAtMs: clock.nowMs() })
  const chain = await (make ?? ((of) => issueFor(of, ordered)))(csr)
  await recordAcmeProgress(dispatcher, id, { state: 'issued', chain, dueAtMs: clock.nowMs() })
}

const ninetyDays = () => ({ notBefore: new Date(clock.nowMs() - 1_000), notAfter: new Date(clock.nowMs() + 90 * dayMs) })
const issueFor = async (csr: string, hosts: readonly string[], more: object = {}): Promise<string> =>
  await authority.issue(csr, 'gateway', { uris: [], hosts, ...ninetyDays(), ...more }) + authority.pem

async function served(process = new Process()): Promise<Process> {
  await process.look()
  await issued(await process.newest())
  await process.look()
  assert.equal((await process.newest()).state, 'installed')
  return process
}

const leafOf = (certificate: PublicCertificate | undefined): X509Certificate => new X509Certificate(certificate?.cert ?? '')
const keysIn = ({ own }: Process): readonly string[] => readdirSync(join(own, 'acme')).filter((name) => name.endsWith('.key'))

describe('a gateway that orders by ACME', () => {
  test('keeps the key to itself, and takes up what is issued for it', async () => {
    const process = new Process()
    assert.equal(process.certificate.first(), undefined)
    assert.equal(await process.look(), true)
    const row = await process.newest()
    const [key = ''] = keysIn(process)
    const pem = readFileSync(join(process.own, 'acme', key), 'utf8')
    assert.deepEqual([statSync(join(process.own, 'acme')).mode & 0o777, statSync(join(process.own, 'acme', key)).mode & 0o777], [0o700, 0o600])
    assert.ok(!JSON.stringify(row).includes(pem.split('\n')[1] ?? pem))
    const asked = new x509.Pkcs10CertificateRequest(row.csr).getExtension('2.5.29.17')
    assert.ok(asked instanceof x509.SubjectAlternativeNameExtension)
    assert.deepEqual(asked.names.items.map(({ value }) => value), names)
    await issued(row)
    assert.equal(await process.look(), false)
    assert.equal(process.loaded.length, 1)
    assert.ok(leafOf(process.loaded[0]).checkHost('localhost'))
    assert.deepEqual(process.alarms, [])
    // Nothing more until it is due.
    assert.equal(await process.look(), false)
    assert.equal((await process.orders()).length, 1)
  })

  test('serves at its next start what it had, whatever the database says meanwhile', async () => {
    const before = await served()
    await database.asAdmin('TRUNCATE ngome.acme_orders CASCADE')
    const first = new Process(before.own).certificate.first()
    assert.equal(leafOf(first).serialNumber, leafOf(before.loaded[0]).serialNumber)
  })

  test('goes on with what the process before it ordered, from whatever point that one died at', async () => {
    const first = new Process()
    await first.look()
    const row = await first.newest()
    const second = new Process(first.own)
    await second.look()
    assert.equal((await second.newest()).id, row.id)
    assert.equal(second.folder.instance, first.folder.instance)
    await issued(row)
    // It died between the folder and the row.
    const { chain } = await second.newest()
    second.folder.install(row.id, chain ?? '')
    const third = new Process(first.own)
    assert.ok(third.certificate.first())
    await third.look()
    assert.equal((await third.newest()).state, 'installed')
    // The one that is being drained takes it up as well, and asks for no other.
    await first.look()
    assert.equal(first.loaded.length, 1)
    assert.equal((await first.orders()).length, 1)
  })

  test('orders nothing where the process beside it takes up the certificate just as this one looks', async () => {
    const first = await served()
    // It begins to look while the order is open, and reads the rows when it is over.
    const second = new Process(first.own, { database: afterwards(() => first.look()) })
    assert.ok(second.certificate.first())
    clock.advance(80 * dayMs)
    await first.look()
    await issued(await first.newest())
    await second.look()
    assert.deepEqual((await first.orders()).map(({ state }) => state), ['installed', 'installed'])
    assert.equal(leafOf(second.loaded[0]).serialNumber, leafOf(first.loaded[1]).serialNumber)
  })

  test('orders anew where its folder has lost the key, or other names are wanted', async () => {
    const process = new Process()
    await process.look()
    for (const key of keysIn(process)) rmSync(join(process.own, 'acme', key))
    await process.look()
    assert.equal((await process.newest()).state, 'withdrawn')
    await process.look()
    assert.deepEqual((await process.orders()).map(({ state }) => state), ['requested', 'withdrawn'])
    const renamed = new Process(process.own, { names: ['localhost'] })
    await renamed.look()
    await renamed.look()
    assert.deepEqual([(await process.newest()).state, (await process.newest()).names], ['requested', ['localhost']])
  })

  test('renews with another key when a third is left, and forgets the key before', async () => {
    const process = await served()
    const leaf = leafOf(process.loaded[0])
    const dueMs = renewalTimeMs(leaf, null)
    const lifeMs = leaf.validToDate.getTime() - leaf.validFromDate.getTime()
    const part = (dueMs - leaf.validFromDate.getTime()) / lifeMs
    assert.ok(part > 2 / 3 - 1 / 30 && part <= 2 / 3, `${part}`)
    clock.advance(dueMs - clock.nowMs() - 2)
    assert.equal(await process.look(), false)
    clock.advance(1)
    assert.equal(await process.look(), true)
    assert.equal(keysIn(process).length, 2)
    await issued(await process.newest())
    await process.look()
    assert.equal(keysIn(process).length, 1)
    assert.ok(!leafOf(process.loaded[0]).publicKey.equals(leafOf(process.loaded[1]).publicKey))
  })

  test('renews when its authority says so, but never later than with a sixth left, whoever wrote that', async () => {
    const process = await served()
    const { id } = await process.newest()
    const leaf = leafOf(process.loaded[0])
    await recordAcmeRenewal(dispatcher, id, { renewAtMs: leaf.validToDate.getTime() + dayMs, againAtMs: clock.nowMs() })
    clock.advance(leaf.validToDate.getTime() - clock.nowMs() - 16 * dayMs)
    assert.equal(await process.look(), false)
    clock.advance(2 * dayMs)
    assert.equal(await process.look(), true)
    const soon = await served()
    await recordAcmeRenewal(dispatcher, (await soon.newest()).id, { renewAtMs: clock.nowMs() - 1, againAtMs: clock.nowMs() })
    assert.equal(await soon.look(), true)
  })

  test('orders another when the operator asks', async () => {
    const process = await served()
    clock.advance(1)
    await askAcmeRenewal(database.open('ngome_operator', { poolMax: 1 }), clock.nowMs(),
      (instances) => emit({ clock, random, process: 'operator' }, 'tls.acme_renewal_asked', null, { instances }))
    assert.equal(await process.look(), true)
  })

  test('orders for each folder by itself: no two share a key', async () => {
    const [one, other] = [new Process(), new Process()]
    await one.look()
    await other.look()
    assert.notEqual((await one.newest()).csr, (await other.newest()).csr)
  })
})

const selfMade = async (csr: string): Promise<string> => {
  const stranger = await TestAuthority.create('Stranger', 3_650 * dayMs)
  return await stranger.issue(csr, 'gateway', { uris: [], hosts: names, ...ninetyDays() }) + stranger.pem
}

/** Each row is somebody who writes the table, or an authority gone bad, past the dispatcher's own look. */
const attacks: readonly (readonly [claim: string, reason: CertificateRefusal, make: (csr: string) => Promise<string>])[] = [
  ['a chain for another key', 'key_mismatch', async () => (await authority.issueWithKey('gateway', { uris: [], hosts: names, ...ninetyDays() })).cert + authority.pem],
  ['a chain for one name more', 'names_differ', (csr) => issueFor(csr, [...names, 'evil.example'])],
  ['a chain with an identity beside the names', 'names_differ', (csr) => issueFor(csr, names, { uris: ['spiffe://evil'] })],
  ['a chain for other names', 'name_missing', (csr) => issueFor(csr, ['evil.example'])],
  ['a chain for a name fewer', 'names_differ', (csr) => issueFor(csr, ['localhost'])],
  ['a chain from an authority of the attacker\'s own', 'chain_untrusted', selfMade],
  ['a chain that ends in the air', 'chain_untrusted', async (csr) => (await selfMade(csr)).split('-----END CERTIFICATE-----')[0] + '-----END CERTIFICATE-----\n'],
  ['a chain that has ended', 'expired', (csr) => issueFor(csr, names, { notBefore: new Date(clock.nowMs() - 2 * dayMs), notAfter: new Date(clock.nowMs() - dayMs) })],
  ['a chain of tomorrow', 'not_yet_valid', (csr) => issueFor(csr, names, { notBefore: new Date(clock.nowMs() + dayMs) })],
  ['a chain with a stranger in it', 'chain_disordered', async (csr) => await authority.issue(csr, 'gateway', { uris: [], hosts: names, ...ninetyDays() }) + (await TestAuthority.create()).pem],
  ['an older order\'s chain', 'key_mismatch', async () => older],
  ['a page of garbage', 'not_pem', async () => 'garbage'],
]
let older = ''

describe('is refused with an alarm, the one before stays, and it is not asked again at once:', () => {
  for (const [claim, reason, make] of attacks) {
    test(claim, async () => {
      const process = await served()
      older = (await process.newest()).chain ?? ''
      clock.advance(80 * dayMs)
      assert.equal(await process.look(), true)
      const { id } = await process.newest()
      await issued(await process.newest(), make)
      assert.equal(await process.look(), false)
      assert.equal(process.loaded.length, 1)
      assert.deepEqual(process.alarms, [reason])
      assert.deepEqual([(await process.newest()).state, (await process.newest()).refusal], ['refused', reason])
      assert.equal(leafOf(new Process(process.own).certificate.first() ?? process.loaded[0]).serialNumber, leafOf(process.loaded[0]).serialNumber)
      assert.equal(await process.look(), false)
      clock.advance(6 * hourMs)
      assert.equal(await process.look(), true)
      assert.notEqual((await process.newest()).id, id)
    })
  }
})

test('a key that others may read is not used', async () => {
  const process = await served()
  const key = keysIn(process)[0] ?? ''
  rmSync(join(process.own, 'acme', key))
  writeFileSync(join(process.own, 'acme', key), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o644 })
  assert.throws(() => new Process(process.own).certificate.first(), { code: 'config/invalid' })
})

test('an order of which the database will have no more leaves no key behind', async () => {
  const process = new Process()
  for (let count = 0; count < 64; count++) await new Process().look()
  assert.equal(await process.look(), false)
  assert.deepEqual(keysIn(process), [])
  assert.deepEqual(process.alarms.length, 1)
})

test('a key that was half written when its process died goes with the others', async () => {
  const process = await served()
  const { id } = await process.newest()
  for (const name of [`${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}.key.0123456789abcdef`, `${id}.key.0123456789abcdef`]) {
    writeFileSync(join(process.own, 'acme', name), 'a key', { mode: 0o600 })
  }
  process.folder.keepOnly([id])
  assert.deepEqual(readdirSync(join(process.own, 'acme')).toSorted(), [`${id}.key`, `${id}.key.0123456789abcdef`, `${id}.pem`, 'current', 'instance'])
  process.folder.keepOnly([])
  assert.deepEqual(readdirSync(join(process.own, 'acme')).toSorted(), ['current', 'instance'])
})

test('an order is the folder\'s: a name in it leads nowhere else', async () => {
  const process = await served()
  writeFileSync(join(process.own, 'acme', 'current'), '../../../../etc/passwd\n', { mode: 0o600 })
  assert.equal(process.folder.current(), undefined)
  process.folder.keepOnly(['../x' as AcmeOrderId])
  assert.ok(existsSync(join(process.own, 'acme', 'instance')))
})

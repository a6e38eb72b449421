import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { StapleFailure } from '@ngome/contracts'
import { ManualClock, systemRandom as random } from '@ngome/kernel'
import { findStaple, wantStaple, type Database } from '@ngome/store'
import { declinedOcspResponse, makeOcspResponse, OcspAuthority, OcspServer, testDatabase, type OcspIssued, type OcspManners, type TestDatabase } from '@ngome/testkit'
import fc from 'fast-check'
import { createEgressGuard, type EgressGuard } from '../egress/egress-guard.ts'
import { askForStaples, type StaplePorts } from './ask-for-staple.ts'
import { nextAskMs, nextTryMs } from './staple-schedule.ts'

const dayMs = 86_400_000
const minuteMs = 60_000
const ago = (ms: number): Date => new Date(Date.now() - ms)

let database: TestDatabase
let db: Database
let gateway: Database
let responder: OcspServer
let egress: EgressGuard
let clock: ManualClock
before(async () => {
  database = await testDatabase()
  db = database.open('ngome_dispatcher', { poolMax: 4 })
  gateway = database.open('ngome_gateway', { poolMax: 1 })
  responder = await OcspServer.start(await OcspAuthority.create())
  egress = createEgressGuard({ providers: {}, allowPrivate: [responder.address], resolve: async () => ['192.0.2.1'] })
})
beforeEach(async () => {
  clock = new ManualClock(Date.now())
  responder.manners = {}
  responder.questions.length = 0
  await database.asAdmin('DELETE FROM ngome.ocsp_staples')
})
after(async () => {
  egress.close()
  responder.close()
  await database.close()
})

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined } as never
const ports = (change: Partial<StaplePorts> = {}): StaplePorts =>
  ({ db, egress, clock, random, logger, roots: () => [responder.authority.root.cert], names: ['localhost'], ...change })
const digestOf = ({ certificate }: OcspIssued): Buffer => createHash('sha256').update(certificate.raw).digest()
const ask = (change: Partial<StaplePorts> = {}): Promise<void> => askForStaples(ports(change), new AbortController().signal)
const want = async (leaf: OcspIssued, chain = responder.authority.chainOf(leaf)): Promise<void> => {
  assert.equal(await wantStaple(gateway, digestOf(leaf), chain), true)
}
const kept = (leaf: OcspIssued): Promise<Uint8Array | undefined> => findStaple(gateway, digestOf(leaf))
/** The next question is as late as it may be. */
const later = (ms: number): void => { clock = new ManualClock(clock.nowMs() + ms) }

async function eventsOf({ certificate }: OcspIssued): Promise<readonly string[]> {
  const rows = await database.asAdmin(`SELECT type, data FROM ngome.events WHERE type LIKE 'tls.%' AND data->>'serial' = $1 ORDER BY xact`, [certificate.serialNumber])
  return rows.map(({ type, data }) => {
    const { reason } = data as { readonly reason?: string }
    return reason === undefined ? String(type) : `${String(type)} ${reason}`
  })
}

test('an answer is fetched, kept for all gateways, and told', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  await ask()
  assert.ok(await kept(leaf))
  assert.deepEqual(responder.asked, ['GET'])
  assert.deepEqual(await eventsOf(leaf), ['tls.stapled'])
  await ask()
  later(dayMs)
  await ask()
  assert.equal(responder.asked.length, 1, 'before half of its life nobody asks again')
  later(2 * dayMs)
  await want(leaf)
  await ask()
  assert.equal(responder.asked.length, 2)
})

describe('refuses what comes back, and keeps nothing of it:', () => {
  const attacks: readonly (readonly [string, StapleFailure, (leaf: OcspIssued) => OcspManners | Promise<OcspManners>])[] = [
    ['an answer about another certificate', 'certificate_other', async () => {
      const other = await responder.issue()
      return { says: { leaf: other.certificate } }
    }],
    ['a signature with another key', 'signature', (leaf) => ({ says: { key: leaf.privateKey } })],
    ['last week\'s good', 'over', () => ({ says: { thisUpdate: ago(8 * dayMs), nextUpdate: ago(dayMs) } })],
    ['a redirect to where it would be good', 'http_status', () => ({ httpStatus: 302, headers: { location: `http://${responder.address}/` } })],
    ['an error with a good body', 'http_status', () => ({ httpStatus: 500 })],
    ['a page of a hotel\'s network', 'content_type', () => ({ contentType: 'text/html', body: Buffer.from('<html>') })],
    ['a good answer that is called a page', 'content_type', () => ({ contentType: 'text/html' })],
    ['a page that is called an answer', 'malformed', () => ({ body: Buffer.from('<html>') })],
    ['more than 64 KiB', 'not_reached', () => ({ body: Buffer.alloc(65_537, 0x30) })],
    ['just 64 KiB of nothing', 'malformed', () => ({ body: Buffer.alloc(65_536, 0x30) })],
    ['later, please', 'declined', () => ({ body: declinedOcspResponse(3) })],
    ['I do not know it', 'unknown', () => ({ says: { status: 'unknown' } })],
  ]
  for (const [claim, reason, manners] of attacks) {
    test(claim, async () => {
      const leaf = await responder.issue({ isStapleDemanded: true })
      await want(leaf)
      responder.manners = await manners(leaf)
      await ask()
      assert.equal(await kept(leaf), undefined)
      assert.deepEqual(await eventsOf(leaf), [`tls.staple_missing ${reason}`])
      responder.manners = {}
      later(2 * minuteMs)
      await ask()
      assert.ok(await kept(leaf), 'what comes after it is taken')
      assert.deepEqual(responder.asked, ['GET', 'POST'])
    })
  }

  test('a responder that has never heard of GET is asked by POST', async () => {
    const leaf = await responder.issue()
    await want(leaf)
    responder.manners = { refuses: 'GET' }
    await ask()
    later(2 * minuteMs)
    await ask()
    assert.ok(await kept(leaf))
    assert.deepEqual(await eventsOf(leaf), ['tls.stapled'])
  })

  test('an older answer than the one that is kept, though it counts still', async () => {
    const leaf = await responder.issue()
    await want(leaf)
    responder.manners = { says: { status: 'revoked' } }
    await ask()
    const revoked = await kept(leaf)
    responder.manners = { says: { thisUpdate: ago(dayMs) } }
    later(2 * 3_600_000)
    await ask()
    assert.deepEqual(await kept(leaf), revoked)
    assert.equal(responder.asked.length, 2)
  })
})

describe('asks nobody about a certificate that is not ours:', () => {
  const thief = (): Promise<OcspAuthority> => OcspAuthority.create('Thief')
  const rows: readonly (readonly [string, () => Promise<readonly [OcspIssued, string]>])[] = [
    ['of an authority that nobody trusts', async () => {
      const authority = await thief()
      const leaf = await authority.issue({ responder: `http://${responder.address}/` })
      return [leaf, authority.chainOf(leaf)]
    }],
    ['under a trusted root that did not issue it', async () => {
      const authority = await thief()
      const leaf = await authority.issue({ responder: `http://${responder.address}/` })
      return [leaf, authority.chainOf(leaf) + responder.authority.root.cert]
    }],
    ['issued by another leaf', async () => {
      const leaf = await responder.issue()
      return [leaf, leaf.cert + (await responder.issue()).cert]
    }],
    ['of another name', async () => {
      const leaf = await responder.issue({ hosts: ['api.example'] })
      return [leaf, responder.authority.chainOf(leaf)]
    }],
    ['that has ended', async () => {
      const leaf = await responder.issue({ notBefore: ago(2 * dayMs), notAfter: ago(dayMs) })
      return [leaf, responder.authority.chainOf(leaf)]
    }],
    ['of another digest', async () => [await responder.issue(), responder.authority.chainOf(await responder.issue())]],
    ['alone', async () => {
      const leaf = await responder.issue()
      return [leaf, leaf.cert]
    }],
    ['that is garbage', async () => [await responder.issue(), 'garbage '.repeat(20)]],
  ]
  for (const [claim, make] of rows) {
    test(claim, async () => {
      const [leaf, chain] = await make()
      await want(leaf, chain)
      await ask()
      assert.deepEqual([responder.asked, await kept(leaf)], [[], undefined])
      const [row] = await database.asAdmin('SELECT failure FROM ngome.ocsp_staples')
      assert.equal(row?.['failure'], 'chain_untrusted')
    })
  }

  test('and a chain that proves it takes the place of one that did not', async () => {
    const leaf = await responder.issue()
    await want(leaf, leaf.cert)
    await ask()
    await want(leaf)
    later(2 * minuteMs)
    await ask()
    assert.ok(await kept(leaf))
  })

  test('nor where its address is not one to go to', async () => {
    const leaf = await responder.issue({ responder: 'http://169.254.169.254/' })
    await want(leaf)
    await ask()
    assert.deepEqual(await eventsOf(leaf), ['tls.staple_failed egress_refused'])
  })
})

test('a gateway can want sixteen, those without an answer give way, and it can write nothing else', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  await ask()
  for (let at = 0; at < 20; at++) assert.equal(await wantStaple(gateway, random.bytes(32), 'garbage '.repeat(20)), true)
  const [row] = await database.asAdmin('SELECT count(*)::int AS n FROM ngome.ocsp_staples')
  assert.deepEqual([row, (await kept(leaf)) !== undefined], [{ n: 16 }, true])
  await assert.rejects(gateway.pool.query('UPDATE ngome.ocsp_staples SET response = NULL'), /permission denied/)
  await assert.rejects(gateway.pool.query('DELETE FROM ngome.ocsp_staples'), /permission denied/)
})

test('two dispatchers ask once, and one that died holds it up for a minute', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  await Promise.all([ask(), ask(), ask()])
  assert.equal(responder.asked.length, 1)
  const died = { toResponder: () => Promise.reject(new Error('died')) }
  const other = await responder.issue()
  await want(other)
  await assert.rejects(ask({ egress: died }))
  await ask()
  assert.equal(await kept(other), undefined)
  later(minuteMs)
  await ask()
  assert.ok(await kept(other))
})

test('a dispatcher that is stopped while it asks has not failed: nobody hears of it, and the next one asks', async () => {
  const leaf = await responder.issue({ isStapleDemanded: true })
  await want(leaf)
  const stopping = new AbortController()
  const closing: StaplePorts['egress'] = {
    toResponder: () => {
      // As the way out is closed at the end.
      stopping.abort()
      return Promise.resolve({ kind: 'unreached', reason: 'closed' })
    },
  }
  await askForStaples(ports({ egress: closing }), stopping.signal)
  assert.deepEqual(await eventsOf(leaf), [])
  later(minuteMs)
  await ask()
  assert.deepEqual(await eventsOf(leaf), ['tls.stapled'])
})

test('a revocation is an alarm at once, again each day, and over when the authority takes it back', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  responder.manners = { says: { status: 'revoked' } }
  await ask()
  for (let hour = 0; hour < 26; hour++) {
    later(3_700_000)
    await want(leaf)
    await ask()
  }
  assert.deepEqual(await eventsOf(leaf), ['tls.certificate_revoked', 'tls.certificate_revoked'])
  responder.manners = { says: { thisUpdate: ago(0) } }
  later(3_700_000)
  await ask()
  assert.equal((await eventsOf(leaf)).at(-1), 'tls.stapled')
})

test('what fails is asked about ever more rarely, told the third time, and an alarm after a day', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  responder.manners = { body: declinedOcspResponse(3) }
  for (let minutes = 0; minutes < 26 * 60; minutes += 30) {
    await ask()
    later(30 * minuteMs)
  }
  assert.deepEqual(await eventsOf(leaf), ['tls.staple_failed declined', 'tls.staple_missing declined'])
  assert.ok(responder.asked.length < 40, `${responder.asked.length} questions`)
})

test('what no gateway wants any more is not asked about', async () => {
  const leaf = await responder.issue()
  await want(leaf)
  await database.asAdmin(`UPDATE ngome.ocsp_staples SET wanted_at = now() - interval '25 hours'`)
  await ask()
  assert.deepEqual(responder.asked, [])
})

test('the next question is past the middle of an answer\'s life and before its end, and never sooner than in a minute', () => {
  const ms = fc.integer({ min: 0, max: 10 * dayMs })
  fc.assert(fc.property(ms, ms, fc.integer({ min: 2 * minuteMs + 1, max: 30 * dayMs }), (startMs, ageMs, lifeMs) => {
    const [life, nowMs] = [{ kind: 'good', thisUpdateMs: startMs, nextUpdateMs: startMs + lifeMs } as const, startMs + Math.min(ageMs, lifeMs - 2 * minuteMs)]
    const atMs = nextAskMs(life, nowMs, random)
    assert.ok(atMs >= nowMs + minuteMs && atMs >= startMs + lifeMs / 2 - 1 && atMs < startMs + lifeMs)
  }))
  fc.assert(fc.property(fc.integer({ min: 1, max: 1_000 }), (failures) => {
    const pauseMs = nextTryMs(failures, 0, random)
    assert.ok(pauseMs >= minuteMs && pauseMs <= 1.2 * 3_600_000 + 1)
  }))
})

test('good bytes that another gateway would staple are the ones that were answered', async () => {
  const leaf = await responder.issue()
  const body = makeOcspResponse({ leaf: leaf.certificate, issuer: responder.authority.root.certificate, signer: responder.authority.root })
  responder.manners = { body }
  await want(leaf)
  await ask()
  assert.deepEqual(await kept(leaf), Buffer.from(body))
})

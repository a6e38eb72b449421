import assert from 'node:assert/strict'
import { createHmac, randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { blindOnce, encodeRecordContext, parseBlob } from '@ngome/envelope'
import { parseBase64Url, Secret, toBase64Url, type MerchantId } from '@ngome/kernel'
import {
  fingerprintOfIndex, guessesMax, guessNumbers, indexUnder, keyCandidates, Platform, processMemory, SeededRandom, seedFrom,
  thiefsConstructions, type MerchantClient,
} from '@ngome/testkit'
import { asProcess, gatewaySecrets, plantToken } from './testing/planted.ts'

/** Long enough to take a payment in, short enough to wait for. */
const dataKeyPeriodS = 12
const turnMsMax = 60_000
/** Numbers that are tried here; `npm run soak indexes` tries all of them. */
const guesses = 20_000
const seed = seedFrom(process.env['NGOME_TEST_SEED'], randomInt(2 ** 31))
let platform: Platform
let client: MerchantClient

before(async () => {
  platform = await Platform.start({ NGOME_KEYS__DATA_KEY_PERIOD_S: String(dataKeyPeriodS) })
  client = platform.client()
})
after(async () => {
  client.close()
  await platform.remove()
})

/** What a thief of the database has of one record. */
type Stolen = { readonly input: Buffer; readonly commitment: Buffer }

async function steal(id: string): Promise<Stolen> {
  const auditor = platform.auditor()
  try {
    const { rows } = await auditor.pool.query<{ sealed: Buffer }>('SELECT sealed FROM ngome.payments WHERE id = $1', [id])
    const blob = parseBlob(rows[0]?.sealed ?? Buffer.alloc(0))
    assert.ok(blob !== undefined)
    const context = encodeRecordContext({
      tenant: { merchant: platform.merchant as MerchantId, world: 'test' },
      table: 'payments', recordId: id, dataClass: 'restricted', version: 1,
    }, blob.suite)
    return { input: Buffer.concat([context, blob.salt]), commitment: Buffer.from(blob.commitment) }
  } finally {
    await auditor.close()
  }
}

async function pay(key: string): Promise<Stolen> {
  const answer = await client.call({
    method: 'POST', path: '/v1/payments', idempotencyKey: key,
    body: { amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: key },
  })
  assert.equal(answer.status, 201, answer.text)
  return steal((JSON.parse(answer.text) as { id: string }).id)
}

/** The gateway that takes payments now, and alone: its forerunner has left. */
async function gatewayOtherThan(pid: number | undefined): Promise<number> {
  const untilMs = performance.now() + turnMsMax
  while (performance.now() < untilMs) {
    const gateways = platform.processes().filter(({ name }) => name === 'gateway')
    const only = gateways.length === 1 ? gateways[0]?.pid : undefined
    if (only !== undefined && only !== pid) return only
    await sleep(50)
  }
  throw new Error(`no turn of the period was seen:\n${platform.output}`)
}

/** Tries every candidate of the gateway's memory as the data key of each record; the thief's attack, whole. */
function openable(pid: number, records: readonly Stolen[]): readonly boolean[] {
  const opened = records.map(() => false)
  for (const candidate of keyCandidates(processMemory(pid))) {
    records.forEach(({ input, commitment }, at) => {
      if (opened[at] === true) return
      const derived = createHmac('sha512', candidate).update(input).digest()
      if (derived.subarray(32).equals(commitment)) opened[at] = true
    })
  }
  return opened
}

test('after a period has turned, the database and the gateway\'s memory open no record of the period before', async () => {
  const first = await gatewayOtherThan(undefined)
  const earlier = await pay('in-the-period-before')
  const second = await gatewayOtherThan(first)
  const current = await pay('in-the-period-of-now')
  const [isEarlierOpen, isCurrentOpen] = openable(second, [earlier, current])
  // The control: the same search finds the key that must be there, so that finding nothing means something.
  assert.equal(isCurrentOpen, true, 'the search did not find the data key of the present period')
  assert.equal(isEarlierOpen, false, 'the gateway still holds a data key of the period before')
})

test('the turn of a period fails no request', async () => {
  const start = platform.processes().find(({ name }) => name === 'gateway')?.pid
  // A connection of its own: the search above kept this process too busy to hear that its idle one was closed.
  const steady = platform.client()
  let answered = 0
  const turned = new AbortController()
  const turn = gatewayOtherThan(start).finally(() => turned.abort())
  while (!turned.signal.aborted) {
    const answer = await steady.call({ path: '/v1/payments?limit=1' })
    assert.equal(answer.status, 200, answer.text)
    answered++
  }
  await turn
  steady.close()
  assert.ok(answered > 20, `only ${answered} requests were made`)
})

test(`no number of a prefix is found in a dump of the database with all that the gateway holds (seed ${seed})`, async (t) => {
  const planted = new SeededRandom(seed).between(0, guessesMax - 1)
  const phone = `+25677${String(planted).padStart(7, '0')}`
  const { fingerprint } = await plantToken(client, 'phone', phone)
  const stored = fingerprint.value ?? assert.fail('no fingerprint')
  const value = `vault/phone/${phone}`
  const secrets = await gatewaySecrets(platform)
  const outer = secrets.find(({ name }) => name === 'index-outer')?.value ?? assert.fail('no outer key')
  const blinded = blindOnce(new Secret(outer), value)

  // The control: with the custodian's half the formula is the one by which the number is found.
  const { indexes: [index = ''] } = await asProcess(platform, 'dispatcher', (custodian) => (
    custodian.call('/v1/index', { merchant: platform.merchant, world: 'test', blinded: [toBase64Url(blinded)] })
  ))
  assert.equal(fingerprintOfIndex(parseBase64Url(index) ?? assert.fail()), stored)

  const constructions = thiefsConstructions(secrets, outer)
  const around = { prefix: 'vault/phone/+25677', from: Math.max(0, planted - guesses / 2), count: guesses, constructions }
  assert.deepEqual(guessNumbers({ ...around, fingerprints: new Set([stored]) }), [])
  // And the search finds what does follow from the gateway's secrets: an index under one of them.
  const weak = constructions.map(({ of }) => of(value))
  const near = { ...around, from: planted, count: 1, fingerprints: new Set(weak) }
  assert.equal(guessNumbers(near).length, constructions.length)

  // Not by anything in its memory either, in which the search does find what the gateway keeps.
  const held = new Set<string>()
  let candidates = 0
  let isFound = false
  // One that is about to leave, or has just come, keeps nothing yet or any more: then the next is looked at.
  for (let looks = 0; looks < 3 && held.size === 0; looks++) {
    for (const candidate of keyCandidates(processMemory(await gatewayOtherThan(undefined)))) {
      candidates++
      for (const { name, value: secret } of secrets) if (candidate.equals(secret)) held.add(name)
      if (fingerprintOfIndex(indexUnder(candidate, blinded)) === stored) isFound = true
    }
  }
  t.diagnostic(`${guesses} numbers by ${constructions.length} constructions, and ${candidates} keys of its memory, ${[...held].join(' and ')} among them`)
  assert.ok(held.size > 0, 'the search found nothing that the gateway keeps')
  assert.equal(isFound, false)
})

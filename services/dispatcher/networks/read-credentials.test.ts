import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Fault, Secret, systemClock, systemRandom } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { createEgressGuard } from '../egress/egress-guard.ts'
import { connectNetworks } from './connect-networks.ts'
import { readCredentials } from './read-credentials.ts'

const folder = mkdtempSync(join(tmpdir(), 'ngome-providers-'))
after(() => { rmSync(folder, { recursive: true }) })
const path = join(folder, 'providers.json')
const good = '{"mtn-sandbox":{"apiUser":"u","apiKey":"planted-secret","subscriptionKey":"s"}}'

function write(text: string, mode = 0o600): void {
  writeFileSync(path, text)
  chmodSync(path, mode)
}

const isInvalid = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'config/invalid' && !error.message.includes('planted-secret')

test('reads credentials as secrets, by network', () => {
  write(good)
  const credentials = readCredentials(path).get('mtn-sandbox')
  assert(credentials?.apiKey instanceof Secret)
  assert.equal(credentials.apiKey.expose((key) => key), 'planted-secret')
})
test('reads Airtel\'s, with those that are optional and without them', () => {
  for (const more of ['', ',"callbackKey":"k","pin":"1234","pinKey":"p"']) {
    write(`{"airtel-ug":{"clientId":"c","clientSecret":"planted-secret"${more}}}`)
    const credentials = readCredentials(path).get('airtel-ug')
    assert.equal(credentials?.clientSecret?.expose((text) => text), 'planted-secret')
    assert.equal(credentials.pin?.expose((text) => text), more === '' ? undefined : '1234')
  }
})
test('no file: no credentials', () => { assert.equal(readCredentials(join(folder, 'none.json')).size, 0) })

describe('refuses, without quoting it', () => {
  for (const mode of [0o640, 0o604, 0o644, 0o660, 0o666]) {
    test(`a file that others may read (${mode.toString(8)})`, () => {
      write(good, mode)
      assert.throws(() => readCredentials(path), isInvalid)
    })
  }
  for (const [name, text] of [
    ['no JSON', 'planted-secret'], ['a list', '["planted-secret"]'], ['an unknown member', good.replace('"apiUser"', '"user"')],
    ['a missing member', '{"mtn-sandbox":{"apiKey":"planted-secret"}}'], ['a duplicate key', good.replace('{"mtn', '{"mtn-sandbox":{},"mtn')],
    ['an empty secret', good.replace('"u"', '""')], ['MTN\'s and Airtel\'s mixed', good.replace('"apiUser"', '"clientSecret":"x","apiUser"')],
    ['half of an acquirer\'s', '{"card":{"account":"planted-secret"}}'],
    ['half of Airtel\'s', '{"airtel-ug":{"clientId":"planted-secret"}}'],
  ] as const) {
    test(name, () => {
      write(text)
      assert.throws(() => readCredentials(path), isInvalid)
    })
  }
})

test('the disbursement product has its own, and none of it may be missing', () => {
  const own = '"disbursement":{"apiUser":"v","apiKey":"planted-secret","subscriptionKey":"t"}'
  write(good.replace('}}', `,${own}}}`))
  const credentials = readCredentials(path).get('mtn-sandbox')
  assert.equal(credentials?.disbursement?.apiUser.expose((user) => user), 'v')
  write(good.replace('}}', `,${own.replace(',"subscriptionKey":"t"', '')}}}`))
  assert.throws(() => readCredentials(path), isInvalid)
})

describe('connecting networks', () => {
  const config: NetworkConfig = {
    connector: 'mtn-momo', world: 'test', baseUrl: 'http://127.0.0.1:1', targetEnvironment: 'sandbox', currency: 'EUR', callingCode: '46',
    requestTimeoutMs: 10_000, settleAfterS: 120, enquiryIntervalS: 5, enquiriesPerSecondMax: 10, giveUpAfterS: 900, fees: {},
    directions: ['collection'], fallback: [], maintenance: [], onMaintenance: 'refuse',
  }
  const egress = createEgressGuard({ providers: { 'mtn-sandbox': config }, allowPrivate: [], resolve: async () => [] })
  test('a network without credentials is refused, and told where they go', () => {
    assert.throws(() => connectNetworks({ 'mtn-sandbox': config }, new Map(), egress, systemClock, systemRandom), isInvalid)
  })
  const secrets = { apiUser: new Secret('u'), apiKey: new Secret('k'), subscriptionKey: new Secret('s') }
  test('payouts and refunds are there with the credentials of the disbursement product, from either place', () => {
    const manner = { payBy: 'transfer', version: 'v1_0' } as const
    const directionsOf = (changes: Partial<NetworkConfig>, file: Parameters<typeof connectNetworks>[1] = new Map()): readonly string[] | undefined =>
      connectNetworks({ 'mtn-sandbox': { ...config, ...secrets, ...changes } }, file, egress, systemClock, systemRandom).get('mtn-sandbox')?.connector.directions
    assert.deepEqual(directionsOf({}), ['collection'])
    assert.deepEqual(directionsOf({ disbursement: { ...secrets, ...manner } }), ['collection', 'payout', 'refund'])
    const file = new Map([['mtn-sandbox', { ...secrets, disbursement: secrets }]])
    assert.deepEqual(directionsOf({ disbursement: manner }, file), ['collection', 'payout', 'refund'])
    assert.throws(() => directionsOf({ disbursement: { ...manner, apiUser: new Secret('u'), apiKey: new Secret('k') } }), isInvalid)
  })
  test('credentials come from the configuration or from the file', () => {
    for (const networks of [
      connectNetworks({ 'mtn-sandbox': { ...config, ...secrets } }, new Map(), egress, systemClock, systemRandom),
      connectNetworks({ 'mtn-sandbox': config }, new Map([['mtn-sandbox', secrets]]), egress, systemClock, systemRandom),
    ]) {
      const network = networks.get('mtn-sandbox')
      assert.deepEqual([network?.settleAfterMs, network?.giveUpAfterMs], [120_000, 900_000])
    }
  })

  const airtel: NetworkConfig = {
    connector: 'airtel-money', world: 'test', baseUrl: 'http://127.0.0.1:1', currency: 'UGX', callingCode: '256',
    airtel: { country: 'UG', signsMessages: true, pinScheme: 'rsa-oaep-sha256', namesCallback: false },
    requestTimeoutMs: 10_000, settleAfterS: 120, enquiryIntervalS: 5, enquiriesPerSecondMax: 10, giveUpAfterS: 900, fees: {},
    directions: ['collection'], fallback: [], maintenance: [], onMaintenance: 'refuse',
  }
  test('Airtel\'s come from the configuration or from the file, and a network without them is refused', () => {
    const secrets = { clientId: new Secret('c'), clientSecret: new Secret('s') }
    const network = connectNetworks({ 'airtel-ug': airtel }, new Map([['airtel-ug', secrets]]), egress, systemClock, systemRandom).get('airtel-ug')
    assert.deepEqual([network?.provider, network?.connector.directions], ['airtel-money', ['collection', 'refund']])
    const given = { ...airtel, airtel: { ...airtel.airtel ?? assert.fail(), ...secrets } }
    assert.ok(connectNetworks({ 'airtel-ug': given }, new Map(), egress, systemClock, systemRandom).has('airtel-ug'))
    assert.throws(() => connectNetworks({ 'airtel-ug': airtel }, new Map(), egress, systemClock, systemRandom), isInvalid)
    assert.throws(() => connectNetworks({ 'airtel-ug': airtel }, new Map([['airtel-ug', { apiKey: new Secret('k') }]]), egress, systemClock, systemRandom), isInvalid)
  })
  const [own, key] = [{ clientId: new Secret('c'), clientSecret: new Secret('s') }, new Secret('k')]
  const manner = { payBy: 'transfer', version: 'v1_0' } as const
  const mtnWays = (directions: NetworkConfig['directions'], changes: Partial<NetworkConfig> = {}): NetworkConfig => ({ ...config, ...secrets, ...changes, directions })
  const airtelWays = (directions: NetworkConfig['directions'], changes: object = {}): NetworkConfig =>
    ({ ...airtel, directions, airtel: { ...airtel.airtel ?? assert.fail(), ...own, ...changes } })
  const wrong: readonly (readonly [what: string, config: NetworkConfig, says: RegExp])[] = [
    ['MTN pays out without a disbursement', mtnWays(['collection', 'payout']), /direction.* payout, .*"disbursement": \{"apiUser", "apiKey", "subscriptionKey"\}.*out of networks\.net\.directions/],
    ['MTN gives back without a disbursement', mtnWays(['collection', 'refund']), /directions refund, .*disbursement/],
    ['MTN does only both, without a disbursement', mtnWays(['payout', 'refund']), /directions payout and refund, .*disbursement/],
    ['MTN has a disbursement that only says how it pays', mtnWays(['collection', 'payout'], { disbursement: manner }), /disbursement without all its credentials/],
    ['MTN has half of a disbursement', mtnWays(['collection', 'payout'], { disbursement: { ...manner, subscriptionKey: key } }), /disbursement without all its credentials/],
    ['Airtel pays out without a PIN', airtelWays(['collection', 'payout', 'refund']), /directions payout, .*"pin" and "pinKey"/],
    ['Airtel pays out with a PIN that nothing encrypts', airtelWays(['payout'], { pin: key }), /./],
    ['a card acquirer pays out', {
      ...airtel, connector: 'card-acquirer', directions: ['collection', 'payout'], card: { account: key, secret: key },
    }, /directions payout, .*no card acquirer has/],
  ]
  for (const [what, network, says] of wrong) {
    test(`refused at the start, and told what to add: ${what}`, () => {
      assert.throws(() => connectNetworks({ net: network }, new Map(), egress, systemClock, systemRandom), (error: unknown) => {
        assert.ok(isInvalid(error) && error instanceof Error)
        assert.match(error.message, says)
        return true
      })
    })
  }
  test('what a network has credentials for and is not configured for is no error: what is under way ends as it began', () => {
    const networks = connectNetworks({ net: mtnWays(['collection'], { disbursement: { ...secrets, ...manner } }) }, new Map(), egress, systemClock, systemRandom)
    assert.ok(networks.has('net'))
  })
  test('Airtel\'s credentials do not make a network of MTN\'s', () => {
    const secrets = { clientId: new Secret('c'), clientSecret: new Secret('s') }
    assert.throws(() => connectNetworks({ 'mtn-sandbox': config }, new Map([['mtn-sandbox', secrets]]), egress, systemClock, systemRandom), isInvalid)
  })
})

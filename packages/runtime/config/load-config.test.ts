import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Fault } from '@ngome/kernel'
import fc from 'fast-check'
import { childEnvironment } from './child-environment.ts'
import { configuredApprovals } from './configured-approvals.ts'
import type { Environment } from './environment.ts'
import { configPath, loadConfig } from './load-config.ts'
import { authorityPath, processFolder } from './process-folder.ts'
import type { Config } from './schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'ngome-config-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
/** Writes a file of this content and answers its path. */
function fileOf(content: unknown): string {
  const path = join(folder, `file-${++files}`)
  writeFileSync(path, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  return path
}

const nowhere = { workingDir: folder, isRoot: false }
const load = (file: unknown, env: Environment = {}): Config =>
  loadConfig({ NGOME_CONFIG: file === undefined ? '' : fileOf(file), ...env }, nowhere)

function faultOf(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof Fault, String(error))
    assert.equal(error.code, 'config/invalid')
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}

const airtelNetwork = {
  connector: 'airtel-money', world: 'live', baseUrl: 'https://openapi.airtel.ug', currency: 'UGX', callingCode: '256', airtel: { country: 'UG' },
}
const cardNetwork = { connector: 'card-acquirer', world: 'live', baseUrl: 'https://acquirer.example', currency: 'UGX', directions: ['collection', 'refund'] }
const liveNetwork = {
  connector: 'mtn-momo', world: 'live', baseUrl: 'https://proxy.momoapi.mtn.com', targetEnvironment: 'mtnuganda',
  currency: 'UGX', callingCode: '256',
}

const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
const pairDatabase = {
  NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c@db.example/c', NGOME_CUSTODIAN__DATABASE__KEY: pem('PRIVATE KEY'),
  NGOME_CUSTODIAN__DATABASE__AUTHORITY: pem('CERTIFICATE'), NGOME_CUSTODIAN__DATABASE__CERTIFICATE: pem('CERTIFICATE'),
}

describe('the configuration', () => {
  test('knows a pair of custodians, whose database is told to the custodian alone', () => {
    const env = { ...pairDatabase, NGOME_CUSTODIAN__TWIN__HOST: 'twin.example', NGOME_CUSTODIAN__TWIN__PORT: '9444' }
    const { custodian } = load(undefined, env)
    assert.deepEqual(custodian.twin, { host: 'twin.example', port: 9444, enrolmentPort: 8449 })
    assert.equal(custodian.database?.url.expose((text) => text), 'postgresql://c@db.example/c')
    assert.doesNotMatch(inspect(custodian), /db\.example|AAAA/)
    for (const [role, count] of [['custodian', 4], ['gateway', 0], ['dispatcher', 0]] as const) {
      const child = childEnvironment(role, env, load(undefined, env), undefined)
      assert.equal(Object.keys(child).filter((name) => name.startsWith('NGOME_CUSTODIAN__DATABASE__')).length, count, role)
    }
  })

  test('is complete and bound to this machine where nothing is said', () => {
    const config = load(undefined)
    assert.equal(config.dataDir, join(folder, '.ngome'))
    for (const { host } of [config.gateway, config.custodian, config.database]) assert.equal(host, '127.0.0.1')
    assert.deepEqual(Object.keys(config.networks), ['mtn-sandbox'])
    assert.equal(config.networks['mtn-sandbox']?.baseUrl, 'http://127.0.0.1:8447')
    assert.deepEqual(config.egress.allowPrivate, ['127.0.0.1:8447', 'localhost:9999'])
    assert.equal(config.dispatcher.callbackBaseUrl, 'https://localhost:8443')
    assert.equal(config.database.url, undefined)
  })

  test('of root lies where the system keeps state', () => {
    assert.equal(loadConfig({ NGOME_CONFIG: '' }, { ...nowhere, isRoot: true }).dataDir, '/var/lib/ngome')
    assert.ok(loadConfig({ NGOME_CONFIG: '', NGOME_DATA: folder }).dataDir === folder)
  })

  test('comes from the file, and the environment goes over it', () => {
    const file = { gateway: { port: 9000, host: '0.0.0.0' }, dataDir: 'data' }
    const config = load(file, { NGOME_GATEWAY__PORT: '9001', NGOME_GATEWAY__PUBLIC_NAMES: 'api.example, localhost' })
    assert.deepEqual(config.gateway, {
      host: '0.0.0.0', port: 9001, internalHost: '127.0.0.1', internalPort: 8445, publicNames: ['api.example', 'localhost'],
      tls: { checkEveryS: 3600, watched: ['api.example:9001', 'localhost:9001'] },
      neverBanned: ['127.0.0.0/8', '::1/128'],
      checkoutOrigin: 'https://checkout.localhost:9001', certificateNames: ['api.example', 'localhost', 'checkout.localhost'],
    })
    assert.equal(config.dataDir, join(folder, 'data'))
    assert.equal(load(file, { NGOME_DATA: 'elsewhere' }).dataDir, join(folder, 'elsewhere'))
  })

  test('gives the checkout a name where nobody has to order a certificate for it, and where the operator does', () => {
    const files = { certificatePath: '/c.pem', keyPath: '/k.pem' }
    const of = (gateway: object) => {
      const { checkoutOrigin, certificateNames, tls } = load({ gateway: { publicNames: ['api.example'], ...gateway } }).gateway
      return [checkoutOrigin, certificateNames, tls.watched]
    }
    assert.deepEqual(of({}), ['https://checkout.localhost:8443', ['api.example', 'checkout.localhost'], ['api.example:8443']])
    assert.deepEqual(of({ tls: files }), [undefined, ['api.example'], ['api.example:8443']])
    assert.deepEqual(of({ tls: files, checkoutOrigin: 'https://pay.example' }),
      ['https://pay.example', ['api.example', 'pay.example'], ['api.example:8443', 'pay.example:443']])
  })

  test('has limits of payouts in minor units, by currency, and none where nothing is said', () => {
    const { over, expiresAfterMs } = configuredApprovals(load({ payouts: { approvalOver: { EUR: '5000.00', UGX: '0' } } }).payouts)
    assert.deepEqual([[...over], expiresAfterMs], [[['EUR', 500_000n], ['UGX', 0n]], 48 * 3_600_000])
    assert.equal(configuredApprovals(load({ networks: { 'mtn-ug': liveNetwork } }).payouts).over.size, 0)
  })

  test('has a limit of payouts beside the default network, which the operator may change or take away', () => {
    const limits = (file: object) => load(file).payouts.approvalOver
    assert.deepEqual(limits({}), { EUR: '10000.00' })
    assert.deepEqual(limits({ payouts: { approvalExpiresAfterS: 60 } }), { EUR: '10000.00' })
    assert.deepEqual(limits({ payouts: { approvalOver: {} } }), {})
    assert.match(faultOf(() => load({ payouts: 'none' })).message, /payouts/)
  })

  test('reads every kind of value from the environment', () => {
    const config = load(undefined, {
      NGOME_DATABASE__TLS: 'true', NGOME_DATABASE__HOST: 'db.example', NGOME_LOG__LEVEL: 'debug',
      NGOME_EGRESS__ALLOW_PRIVATE: '127.0.0.1:8447', NGOME_NETWORKS__MTN_SANDBOX__SETTLE_AFTER_S: '7',
      NGOME_KEYS__DATA_KEY_PERIOD_S: '60',
    })
    assert.equal(config.database.tls, true)
    assert.equal(config.log.level, 'debug')
    assert.deepEqual(config.egress.allowPrivate, ['127.0.0.1:8447'])
    assert.equal(config.networks['mtn-sandbox']?.settleAfterS, 7)
    assert.equal(config.networks['mtn-sandbox']?.currency, 'EUR')
    assert.equal(config.keys.dataKeyPeriodS, 60)
    assert.deepEqual(load(undefined, { NGOME_NETWORKS__MTN_SANDBOX__BASE_URL: 'https://a.example', NGOME_EGRESS__ALLOW_PRIVATE: '' })
      .egress.allowPrivate, [])
  })

  test('has Airtel\'s networks with their own simulator where no address is given', () => {
    const network = { connector: 'airtel-money', world: 'test', currency: 'UGX', callingCode: '256', airtel: { country: 'UG', namesCallback: true } }
    const config = load({ networks: { 'airtel-sandbox': network } })
    const loaded = config.networks['airtel-sandbox']
    assert.equal(loaded?.baseUrl, 'http://127.0.0.1:8450')
    assert.deepEqual(loaded.airtel, { country: 'UG', signsMessages: true, pinScheme: 'rsa-oaep-sha256', namesCallback: true })
    assert.ok(config.egress.allowPrivate.includes('127.0.0.1:8450'))
  })

  test('has networks of cards, without numbers, with their own simulator where no address is given', () => {
    const config = load({ networks: { card: { connector: 'card-acquirer', world: 'test', currency: 'EUR', directions: ['collection', 'refund'] } } })
    const loaded = config.networks['card']
    assert.deepEqual([loaded?.baseUrl, loaded?.callingCode], ['http://127.0.0.1:8452', ''])
    assert.ok(config.egress.allowPrivate.includes('127.0.0.1:8452'))
    assert.ok(load({ networks: { n: cardNetwork } }).networks['n'] !== undefined)
  })

  test('takes secrets from files and from the environment, and never prints them', () => {
    const config = load(undefined, {
      NGOME_NETWORKS__MTN_SANDBOX__API_KEY_FILE: fileOf('f'.repeat(32) + '\n'),
      NGOME_NETWORKS__MTN_SANDBOX__API_USER: '0b8ae94c-8b5f-4d8f-9e3c-2f6f0a1b2c3d',
      DATABASE_URL: 'postgresql://admin:hunter2@db.example:6000/ngome_main?sslmode=verify-full',
    })
    assert.equal(config.networks['mtn-sandbox']?.apiKey?.expose((key) => key), 'f'.repeat(32))
    const { host, port, name, tls } = config.database
    assert.deepEqual({ host, port, name, tls }, { host: 'db.example', port: 6000, name: 'ngome_main', tls: true })
    assert.doesNotMatch(inspect(config, { depth: 9 }), /hunter2|ffff/)
    assert.equal(load(undefined, { DATABASE_URL: 'postgres://a:b@localhost/ngome' }).database.port, 5432)
  })

  test('is looked for in the data folder, then in the working folder', () => {
    const workingDir = join(folder, 'work')
    const data = join(workingDir, 'data')
    mkdirSync(data, { recursive: true })
    assert.equal(configPath({ NGOME_DATA: data }, { workingDir }), undefined)
    writeFileSync(join(workingDir, 'ngome.json'), '{}')
    assert.equal(configPath({ NGOME_DATA: data }, { workingDir }), join(workingDir, 'ngome.json'))
    writeFileSync(join(data, 'ngome.json'), '{}')
    assert.equal(configPath({ NGOME_DATA: 'data' }, { workingDir }), join(data, 'ngome.json'))
    assert.equal(configPath({ NGOME_DATA: data, NGOME_CONFIG: 'other.json' }, { workingDir }), join(workingDir, 'other.json'))
    assert.equal(configPath({ NGOME_DATA: data, NGOME_CONFIG: '' }, { workingDir }), undefined)
  })

  test('orders for the public names by ACME where it names no others, and has defaults for the rest', () => {
    const env = {
      NGOME_GATEWAY__PUBLIC_NAMES: 'api.example', NGOME_GATEWAY__TLS__ACME__DIRECTORY_URL: acmeSettings.directoryUrl,
      NGOME_GATEWAY__TLS__ACME__TERMS_AGREED: 'true',
      NGOME_GATEWAY__TLS__ACME__EXTERNAL_ACCOUNT__KEY_ID: 'kid', NGOME_GATEWAY__TLS__ACME__EXTERNAL_ACCOUNT__MAC_KEY: 'm'.repeat(43),
    }
    const config = load(undefined, env)
    const { externalAccount, ...acme } = config.gateway.tls.acme ?? {}
    assert.deepEqual(acme, { ...acmeSettings, contact: [], names: ['api.example'], listen: '0.0.0.0:80' })
    assert.equal(externalAccount?.keyId, 'kid')
    assert.doesNotMatch(inspect(config, { depth: 9 }), /mmmm/)
    // The account is the dispatcher's; nobody else has a use for its secret.
    assert.ok('NGOME_GATEWAY__TLS__ACME__EXTERNAL_ACCOUNT__MAC_KEY' in childEnvironment('dispatcher', env, config, undefined))
    assert.ok(!('NGOME_GATEWAY__TLS__ACME__EXTERNAL_ACCOUNT__MAC_KEY' in childEnvironment('gateway', env, config, undefined)))
  })

  test('lists all problems at once', () => {
    const fault = faultOf(() => load({ gatway: {} }, { NGOME_LOG__LEVEL: 'loud', NGOME_NOPE: '1' }))
    assert.equal(fault.fields.length, 3)
    assert.deepEqual(fault.fields.map(({ pointer }) => pointer).toSorted(), ['/NGOME_NOPE', '/gatway', '/log/level'])
    assert.equal(fault.message.split('\n').length, 4)
  })

  test('knows the folder of each process', () => {
    assert.equal(processFolder({ dataDir: '/d' }, 'gateway'), '/d/gateway')
    assert.equal(processFolder({ dataDir: '/d' }, 'simulators/mtn-momo'), '/d/simulators/mtn-momo')
    assert.equal(authorityPath({ dataDir: '/d' }), '/d/ca.pem')
  })
})

const acmeSettings = { directoryUrl: 'https://ca.example/directory', termsAgreed: true }
const acmeWith = (changes: object): object => ({ gateway: { tls: { acme: { ...acmeSettings, ...changes } } } })

/** Each row is one mistake or one attack, and what the operator has to read of it. */
const refusals: readonly (readonly [claim: string, file: unknown, env: Environment, says: RegExp])[] = [
  ['a key that is misspelt', { gateway: { prot: 1 } }, {}, /gateway\.prot: is not known: did you mean port\?/],
  ['a key that resembles nothing', { gateway: { zzzzzzzzz: 1 } }, {}, /remove it; known here: host, port/],
  ['a room that is misspelt', { gatway: {} }, {}, /gatway: is not known: did you mean gateway\?/],
  ['a variable that is misspelt', undefined, { NGOME_GATEWAY__PROT: '1' }, /did you mean NGOME_GATEWAY__PORT\?/],
  ['a variable of a misspelt room', undefined, { NGOME_GATWAY__PORT: '1' }, /did you mean NGOME_GATEWAY__PORT\?/],
  ['a special variable that is misspelt', undefined, { NGOME_DATAA: 'x' }, /did you mean NGOME_DATA\?/],
  ['a variable that resembles nothing', undefined, { NGOME_XYZZY_PLUGH: '1' }, /NGOME_XYZZY_PLUGH: is not known: remove it/],
  ['a variable for a whole room', undefined, { NGOME_GATEWAY: '{}' }, /NGOME_GATEWAY: is not known/],
  ['a variable below a value', undefined, { NGOME_GATEWAY__PORT__X: '1' }, /NGOME_GATEWAY__PORT__X: is not known/],
  ['payment links over plain HTTP', { gateway: { checkoutOrigin: 'http://pay.example' } }, {}, /gateway\.checkoutOrigin: must be https/],
  ['payment links below a path', { gateway: { checkoutOrigin: 'https://pay.example/c' } }, {}, /gateway\.checkoutOrigin: must be https/],
  ['payment links at an address', { gateway: { checkoutOrigin: 'https://192.0.2.1' } }, {}, /gateway\.checkoutOrigin: must be https/],
  ['payment links under the name of the API', { gateway: { checkoutOrigin: 'https://localhost:9443' } }, {}, /gateway\.checkoutOrigin: must have a name that is not/],
  ['payment links without a name in the certificate that is ordered', { gateway: { checkoutOrigin: 'https://pay.example', tls: { acme: { ...acmeSettings, names: ['localhost', '127.0.0.1'] } } } }, {}, /must name all.*add pay\.example/],
  ['a certificate without its key', { gateway: { tls: { certificatePath: '/c.pem' } } }, {}, /gateway\.tls\.keyPath: must be given together/],
  ['a key without its certificate', undefined, { NGOME_GATEWAY__TLS__KEY_PATH: '/k.pem' }, /gateway\.tls\.keyPath: must be given together/],
  ['ACME beside a certificate of one\'s own', { gateway: { tls: { certificatePath: '/c', keyPath: '/k', acme: acmeSettings } } }, {}, /gateway\.tls\.acme: must stand alone/],
  ['ACME without agreement to the terms', acmeWith({ termsAgreed: false }), {}, /termsAgreed: must be true/],
  ['ACME over plain HTTP', acmeWith({ directoryUrl: 'http://ca.example/directory' }), {}, /directoryUrl: must be an https/],
  ['ACME for a wildcard', acmeWith({ names: ['*.example'] }), {}, /without a wildcard/],
  ['ACME that leaves a public name out', acmeWith({ names: ['localhost'] }), {}, /acme\.names: must name all.*add 127\.0\.0\.1/],
  ['ACME for a name twice', acmeWith({ names: ['localhost', '127.0.0.1', 'localhost'] }), {}, /acme\.names: must name each once/],
  ['challenges at the port of the API', acmeWith({ listen: '0.0.0.0:8443' }), {}, /acme\.listen: must have a port of its own/],
  ['challenges at no port', acmeWith({ listen: '0.0.0.0' }), {}, /acme\.listen: must be address:port/],
  ['challenges past the ports', acmeWith({ listen: '0.0.0.0:70000' }), {}, /acme\.listen: must have a port of at most 65535/],
  ['a planned root without a digest', { gateway: { tls: { plannedRootChange: { date: '2027-03-01', pin: 'root' } } } }, {}, /must be a SHA-256 in base64/],
  ['a second name of the data folder', undefined, { NGOME_DATA_DIR: '/x' }, /did you mean NGOME_DATA\?/],
  ['a file for what is no secret', undefined, { NGOME_GATEWAY__PORT_FILE: '/x' }, /NGOME_GATEWAY__PORT_FILE: is not known/],
  ['a secret given twice', undefined, { NGOME_DATABASE__URL: 'postgres://a@localhost/b', DATABASE_URL: 'postgres://a@localhost/b' },
    /is set beside .*: remove one of the two/],
  ['a secret file that is not there', undefined, { NGOME_DATABASE__URL_FILE: '/nonexistent' }, /cannot be read \(ENOENT\): check/],
  ['a secret in the file that all read', { networks: { 'mtn-ug': { ...liveNetwork, apiKey: 'k'.repeat(32) } } }, {},
    /must not stand in a file .*NGOME_NETWORKS__MTN_UG__API_KEY_FILE/],
  ['a number in words', undefined, { NGOME_GATEWAY__PORT: 'https' }, /gateway\.port: must be a port number/],
  ['a number with a sign', undefined, { NGOME_GATEWAY__PORT: '+80' }, /must be a port number/],
  ['a number in hexadecimal', undefined, { NGOME_GATEWAY__PORT: '0x50' }, /must be a port number/],
  ['a port past the last', { gateway: { port: 65_536 } }, {}, /at most 65535/],
  ['port 0', { gateway: { port: 0 } }, {}, /at least 1/],
  ['a boolean in words', undefined, { NGOME_DATABASE__TLS: 'yes' }, /database\.tls/],
  ['two processes on one port', { gateway: { port: 8444 } }, {}, /custodian\.port: must differ from gateway\.port/],
  ['data keys that live too long', { keys: { dataKeyPeriodS: 3601 } }, {}, /at most 3600 s: a thief/],
  ['data keys that outlive their merchant key', { keys: { dataKeyPeriodS: 100, merchantKeyPeriodS: 60 } }, {},
    /keys\.dataKeyPeriodS: must be at most keys\.merchantKeyPeriodS/],
  ['certificates of more than a day', { keys: { certificateLifeS: 86_401 } }, {}, /at most 86400 s/],
  ['a limit of payouts in a currency that there is not', { payouts: { approvalOver: { XXX: '5.00' } } }, {}, /payouts\.approvalOver/],
  ['a limit of payouts in more digits than its currency has', { payouts: { approvalOver: { UGX: '5.50' } } }, {}, /payouts\.approvalOver\.UGX: must have no more digits/],
  ['a limit of payouts that is no decimal', { payouts: { approvalOver: { EUR: '1e3' } } }, {}, /must be a decimal in major units/],
  ['a batch of which nothing is sent', { payouts: { batchRowsAtOnce: 0 } }, {}, /payouts\.batchRowsAtOnce: must be at least 1/],
  ['a batch that takes all of a network', { payouts: { batchRowsAtOnce: 65 } }, {}, /payouts\.batchRowsAtOnce: must be at most 64/],
  ['an approval that outlives its record', { payouts: { approvalExpiresAfterS: 72 * 3_600 } }, {}, /the custodian opens a record for dispatch for 72 hours/],
  ['a warning that comes too late', { webhooks: { warnAfterS: 100, disableAfterS: 100 } }, {}, /webhooks\.warnAfterS/],
  ['retries that shrink', { webhooks: { firstRetryS: 100, retryMaxS: 10 } }, {}, /webhooks\.firstRetryS/],
  ['live over plain HTTP', { networks: { n: { ...liveNetwork, baseUrl: 'http://momo.example' } } }, {}, /must be https: .*real money/],
  ...['https://localhost', 'https://127.0.0.1', 'https://127.1:8447', 'https://[::1]:1', 'https://a.localhost',
    'https://[::ffff:127.0.0.1]', 'https://0.0.0.0', 'https://localhost.', 'https://169.254.1.1', 'https://2130706433'].map(
    (baseUrl) => [`live on this machine (${baseUrl})`, { networks: { n: { ...liveNetwork, baseUrl } } }, {},
      /must not be this machine: live refuses simulators/] as const),
  ['live without an address', { networks: { n: { ...liveNetwork, baseUrl: undefined } } }, {}, /live refuses simulators/],
  ['live in the sandbox', { networks: { n: { ...liveNetwork, targetEnvironment: 'sandbox' } } }, {}, /must not be sandbox/],
  ['plain HTTP that is not allowed by name', { networks: { n: { ...liveNetwork, world: 'test', baseUrl: 'http://momo.example' } } }, {},
    /add momo\.example to egress\.allowPrivate/],
  ['an address with a password', { networks: { n: { ...liveNetwork, baseUrl: 'https://u:p@momo.example' } } }, {}, /must have no user/],
  ['an address with a query', { networks: { n: { ...liveNetwork, baseUrl: 'https://momo.example/?k=v' } } }, {}, /must have no user/],
  ['an address of another kind', { networks: { n: { ...liveNetwork, baseUrl: 'file:///etc/passwd' } } }, {}, /http or https/],
  ['half a pair of credentials', undefined, { NGOME_NETWORKS__MTN_SANDBOX__API_KEY: 'k'.repeat(32) }, /given together with apiUser/],
  ['half of the disbursement\'s pair', undefined, { NGOME_NETWORKS__MTN_SANDBOX__DISBURSEMENT__API_KEY: 'k'.repeat(32) }, /disbursement\.apiKey: must be given together/],
  ['a disbursement\'s key in the file', { networks: { n: { ...liveNetwork, disbursement: { apiKey: 'k'.repeat(32) } } } }, {}, /must not stand in a file/],
  ['another currency than MTN\'s environment has', undefined, { NGOME_NETWORKS__MTN_SANDBOX__CURRENCY: 'UGX' }, /currency: must be EUR/],
  ['numbers of another country than MTN\'s environment', undefined, { NGOME_NETWORKS__MTN_SANDBOX__CALLING_CODE: '256' }, /callingCode: must be 46/],
  ['MTN without its environment', { networks: { n: { ...liveNetwork, targetEnvironment: undefined } } }, {}, /targetEnvironment: must be given/],
  ['MTN with what is Airtel\'s', { networks: { n: { ...liveNetwork, airtel: { country: 'UG' } } } }, {}, /airtel: must be left out/],
  ['phones without how their numbers begin', { networks: { n: { ...liveNetwork, targetEnvironment: 'mtncongo', callingCode: undefined } } }, {}, /callingCode: must be given/],
  ['MTN with what is a card acquirer\'s', { networks: { n: { ...liveNetwork, card: {} } } }, {}, /card: must be left out/],
  ['cards with numbers of phones', { networks: { n: { ...cardNetwork, callingCode: '256' } } }, {}, /callingCode: must be left out/],
  ['cards with prefixes', { networks: { n: { ...cardNetwork, prefixes: ['256'] } } }, {}, /prefixes: must be left out/],
  ['cards with what is MTN\'s', { networks: { n: { ...cardNetwork, targetEnvironment: 'mtnuganda' } } }, {}, /targetEnvironment: must be left out/],
  ['payouts to cards', { networks: { n: { ...cardNetwork, directions: ['collection', 'payout'] } } }, {}, /directions: must be collection and refund/],
  ['cards that others stand in for', { networks: { n: { ...cardNetwork, fallback: ['m'] }, m: cardNetwork } }, {}, /n\.fallback: must be left out/],
  ['card numbers in clear, though allowed by name', {
    networks: { n: { ...cardNetwork, world: 'test', baseUrl: 'http://acquirer.example:8080' } }, egress: { allowPrivate: ['acquirer.example:8080'] },
  }, {}, /baseUrl: must be https: card numbers go there/],
  ['payers sent to a page in clear', { networks: { n: { ...cardNetwork, card: { challengeOrigins: ['http://acs.example'] } } } }, {}, /challengeOrigins: must be https/],
  ['payers sent to a page that is no origin', { networks: { n: { ...cardNetwork, card: { challengeOrigins: ['https://acs.example/'] } } } }, {}, /challengeOrigins.*: must be an origin/],
  ['an acquirer\'s secret without its account', { networks: { n: cardNetwork } }, { NGOME_NETWORKS__N__CARD__SECRET: 's'.repeat(32) }, /card\.secret: must be given together with account/],
  ['an acquirer\'s secret in the file that all read', { networks: { n: { ...cardNetwork, card: { account: 'acc-1', secret: 's'.repeat(32) } } } }, {},
    /must not stand in a file/],
  ['Airtel without its country', { networks: { n: { ...airtelNetwork, airtel: undefined } } }, {}, /airtel: must be given, with its country/],
  ['Airtel in a country where it is not', { networks: { n: { ...airtelNetwork, airtel: { country: 'SE' } } } }, {}, /airtel\.country: must be one of CD, CG/],
  ['Airtel in another currency', { networks: { n: { ...airtelNetwork, currency: 'KES' } } }, {}, /currency: must be UGX/],
  ['Airtel with another country\'s numbers', { networks: { n: { ...airtelNetwork, callingCode: '254' } } }, {}, /callingCode: must be 256/],
  ['Airtel with what is MTN\'s', { networks: { n: { ...airtelNetwork, targetEnvironment: 'mtnuganda' } } }, {}, /targetEnvironment: must be left out/],
  ['an encryption of PINs that nobody knows', { networks: { n: { ...airtelNetwork, airtel: { country: 'UG', pinScheme: 'rot13' } } } }, {}, /pinScheme: must be/],
  ['a PIN in the file that all read', { networks: { n: { ...airtelNetwork, airtel: { country: 'UG', pin: '1234' } } } }, {},
    /must not stand in a file .*NGOME_NETWORKS__N__AIRTEL__PIN_FILE/],
  ['a PIN without its key', { networks: { n: airtelNetwork } }, { NGOME_NETWORKS__N__AIRTEL__PIN: '1234' }, /airtel\.pinKey: must be given together with pin/],
  ['half of Airtel\'s credentials', { networks: { n: airtelNetwork } }, { NGOME_NETWORKS__N__AIRTEL__CLIENT_SECRET: 's'.repeat(32) }, /airtel\.clientId: must be given/],
  ['Airtel whose "not found" is final too soon', { networks: { n: { ...airtelNetwork, settleAfterS: 179 } } }, {}, /settleAfterS: must be at least 180/],
  ['a prefix of another country', { networks: { n: { ...liveNetwork, prefixes: ['25577'] } } }, {}, /prefixes: must begin with 256/],
  ['a prefix that is no digits', { networks: { n: { ...liveNetwork, prefixes: ['+25677'] } } }, {}, /prefixes.*must be digits/],
  ['a fallback that is not there', { networks: { n: { ...liveNetwork, fallback: ['m'] } } }, {}, /fallback: must name other networks/],
  ['a fallback on itself', { networks: { n: { ...liveNetwork, fallback: ['n'] } } }, {}, /fallback: must name other networks/],
  ['a fallback into another world', { networks: { n: { ...liveNetwork, fallback: ['m'] }, m: { ...liveNetwork, world: 'test' } } }, {}, /fallback: must name other networks/],
  ['a fallback in another currency', { networks: { n: { ...liveNetwork, fallback: ['m'] }, m: { ...liveNetwork, targetEnvironment: 'other', currency: 'KES' } } }, {}, /fallback: must name/],
  ['a fallback that is named twice', { networks: { n: { ...liveNetwork, fallback: ['m', 'm'] }, m: liveNetwork } }, {}, /fallback: must name each once/],
  ['maintenance that ends before it begins', { networks: { n: { ...liveNetwork, maintenance: [{ from: '2027-02-01T00:00:00Z', to: '2027-01-31T23:00:00Z', reason: 'x' }] } } }, {}, /to: must be after from/],
  ['maintenance without a zone', { networks: { n: { ...liveNetwork, maintenance: [{ from: '2027-02-01T00:00:00', to: '2027-02-02T00:00:00Z', reason: 'x' }] } } }, {}, /from: must be an instant/],
  ['Airtel\'s simulator in live', { networks: { n: { ...airtelNetwork, baseUrl: undefined } } }, {}, /live refuses simulators/],
  ['two simulators on one port', { networks: { n: airtelNetwork }, simulator: { airtelPort: 8447 } }, {}, /simulator\.airtelPort: must differ/],
  ['enquiries past the settling time', undefined, { NGOME_NETWORKS__MTN_SANDBOX__ENQUIRY_INTERVAL_S: '500' }, /enquiryIntervalS: must/],
  ['giving up before the answer is final', undefined, { NGOME_NETWORKS__MTN_SANDBOX__GIVE_UP_AFTER_S: '100' }, /below giveUpAfterS/],
  ['a currency that is not known', { networks: { n: { ...liveNetwork, currency: 'XYZ' } } }, {}, /known ISO 4217 code/],
  ['a network name in capitals', { networks: { MTN: liveNetwork } }, {}, /networks\.MTN/],
  ['a twin that is the custodian itself', { custodian: { twin: { host: '127.0.0.1' } } }, {}, /custodian\.twin\.port: must differ/],
  ['a twin without a host', { custodian: { twin: { port: 9444 } } }, {}, /custodian\.twin\.host/],
  ['a pair\'s database without its certificate', undefined, { NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c@db.example/c' }, /custodian\.database\.certificate/],
  ['a pair\'s database in the file', { custodian: { database: { url: 'postgresql://c@db.example/c' } } }, {}, /must not stand in a file/],
  ['a pair\'s database with a password', undefined, { NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c:p@db.example/c' }, /a certificate is the password/],
  ['a pair\'s database with options', undefined, { NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c@db.example/c?sslmode=disable' }, /a certificate is the password/],
  ['a pair\'s database without a user', undefined, { NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://db.example/c' }, /a certificate is the password/],
  ['a pair\'s database without a name', undefined, { NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c@db.example' }, /a certificate is the password/],
  ['a pair\'s key that is none', undefined, { NGOME_CUSTODIAN__DATABASE__KEY: 'key' }, /custodian\.database\.key: must be a private key/],
  ['a pair\'s database on the application\'s server', undefined, { ...pairDatabase, NGOME_CUSTODIAN__DATABASE__URL: 'postgresql://c@127.0.0.1:8448/c' }, /must be a server of its own/],
  ['a limit of nothing', { limits: { test: { key: { burst: 0 } } } }, {}, /limits\.test\.key\.burst: must be at least 1/],
  ['no gateways', undefined, { NGOME_LIMITS__GATEWAYS: '0' }, /limits\.gateways: must be at least 1/],
  ['a store of limits on another machine without TLS', undefined, { NGOME_LIMITS__STORE__URL: 'redis://limits.example:6379' }, /limits\.store\.url: must be rediss/],
  ['a store of limits with its password in the address', undefined, { NGOME_LIMITS__STORE__URL: 'rediss://u:secret-password@limits.example' }, /without user and password/],
  ['a store of limits with a user and no password', undefined, { NGOME_LIMITS__STORE__URL: 'rediss://limits.example', NGOME_LIMITS__STORE__USER: 'ngome' }, /limits\.store\.password: must be given together with user/],
  ['an authority of a store without TLS', undefined, { NGOME_LIMITS__STORE__URL: 'redis://127.0.0.1', NGOME_LIMITS__STORE__AUTHORITY: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, /must be left out/],
  ['a pair\'s database with a setting that there is not', undefined, { ...pairDatabase, NGOME_CUSTODIAN__DATABASE__PASSWORD: 'x' }, /is not known/],
  ['a database elsewhere without TLS', { database: { host: 'db.example' } }, {}, /database\.tls: must be true/],
  ['a database address without verified TLS', undefined, { DATABASE_URL: 'postgres://a:b@db.example/ngome?sslmode=require' }, /database\.tls/],
  ['a database address beside its parts', { database: { port: 1 } }, { DATABASE_URL: 'postgres://a:b@localhost/ngome' }, /must stand alone/],
  ['a database address without a database', undefined, { DATABASE_URL: 'postgres://a:b@localhost' }, /must end in a database name/],
  ['a database address that is none', undefined, { DATABASE_URL: 'mysql://a:b@localhost/ngome' }, /must be postgresql:/],
  ['a database address that cannot be read', undefined, { DATABASE_URL: 'postgres://a:b@local host/ngome' }, /must be postgresql:/],
  ['a database address with a false port', undefined, { DATABASE_URL: 'postgres://a:b@localhost:99999/ngome' }, /must be postgresql:/],
  ['a whole Internet that is never banned', { gateway: { neverBanned: ['0.0.0.0/0'] } }, {}, /must be a network/],
  ['an address without a prefix that is never banned', { gateway: { neverBanned: ['192.0.2.1'] } }, {}, /must be a network/],
  ['a prefix longer than the address', { gateway: { neverBanned: ['192.0.2.1/33'] } }, {}, /must be a network/],
  ['an allowance without a port', { egress: { allowPrivate: ['localhost'] } }, {}, /must be host:port/],
  ['an empty data folder', { dataDir: '' }, {}, /dataDir: must name a folder/],
  ['a data folder that is no text', { dataDir: 7 }, {}, /dataDir/],
  ['a value where a room should be', { gateway: 7 }, { NGOME_GATEWAY__PORT: '0' }, /gateway/],
  ['a file that is not there', undefined, { NGOME_CONFIG: '/nonexistent/ngome.json' }, /cannot be read: check/],
  ['a file with a key twice', '{"gateway":{},"gateway":{}}', {}, /not strict JSON \(duplicate_key/],
  ['a file that reaches for prototypes', '{"__proto__":{}}', {}, /not strict JSON \(forbidden_key/],
  ['a file that is a list', [], {}, /must hold one JSON object/],
  ['a file that is too large', ' '.repeat(300_000), {}, /larger than/],
]

describe('the configuration refuses', () => {
  for (const [claim, file, env, says] of refusals) {
    test(claim, () => {
      assert.match(faultOf(() => load(file, env)).message, says)
    })
  }

  test('whatever the environment holds, with one fault and without its secrets', () => {
    const name = fc.constantFrom('NGOME_DATABASE__URL', 'NGOME_NETWORKS__MTN_SANDBOX__API_KEY', 'NGOME_LOG__LEVEL', 'NGOME_GATEWAY__PORT')
    fc.assert(fc.property(name, fc.string({ minLength: 6, unit: 'binary' }), (variable, value) => {
      try {
        load(undefined, { [variable]: `s3cr3t${value}s3cr3t` })
      } catch (error) {
        assert.ok(error instanceof Fault && error.code === 'config/invalid', String(error))
        assert.doesNotMatch(error.message, /s3cr3t/)
      }
    }))
  })
})

describe('the environment of a process', () => {
  const env = {
    PATH: '/bin', DATABASE_URL: 'postgres://a:b@localhost/ngome', NGOME_GATEWAY__PORT: '9000',
    NGOME_ENROLMENT_TOKEN: 'token', NGOME_API_KEY: 'key', NGOME_BASE_URL: 'https://localhost', NGOME_NETWORKS__MTN_SANDBOX__SUBSCRIPTION_KEY: 'k'.repeat(32),
    NGOME_NETWORKS__MTN_SANDBOX__SUBSCRIPTION_KEY_FILE: undefined, NGOME_LOG__LEVEL: 'debug',
  }
  const config = load(undefined, env)

  test('has the secrets of that process only', () => {
    const names = (role: 'gateway' | 'custodian' | 'dispatcher') => Object.keys(childEnvironment(role, env, config, undefined))
    for (const role of ['gateway', 'custodian', 'dispatcher'] as const) {
      assert.equal(names(role).includes('NGOME_NETWORKS__MTN_SANDBOX__SUBSCRIPTION_KEY'), role === 'dispatcher', role)
      for (const name of ['DATABASE_URL', 'NGOME_DATABASE__URL', 'NGOME_ENROLMENT_TOKEN', 'NGOME_API_KEY', 'NGOME_BASE_URL', 'PATH']) assert.ok(!names(role).includes(name), name)
    }
  })

  test('gives the same configuration without looking for it', () => {
    const child = childEnvironment('gateway', env, config, undefined)
    const { url: _, ...database } = config.database
    const { subscriptionKey: _key, ...network } = config.networks['mtn-sandbox'] ?? assert.fail()
    assert.deepEqual(loadConfig(child, nowhere), { ...config, database, networks: { 'mtn-sandbox': network } })
    assert.equal(childEnvironment('gateway', env, config, '/a/ngome.json')['NGOME_CONFIG'], '/a/ngome.json')
  })
})

describe('the time zone of the ledger', () => {
  for (const timeZone of ['UTC', 'Africa/Kampala', 'Africa/Porto-Novo', 'Africa/El_Aaiun']) {
    test(`may be ${timeZone}`, () => assert.equal(load({ ledger: { timeZone } }).ledger.timeZone, timeZone))
  }
  for (const timeZone of ['', 'Mars/Olympus', '+03:00', 'Etc/GMT+3', "UTC'; DROP", 'Africa/Kampala ', '../UTC']) {
    test(`may not be ${JSON.stringify(timeZone)}`, () => assert.match(faultOf(() => load({ ledger: { timeZone } })).message, /timeZone/))
  }
})

describe('the schedule of settlements', () => {
  test('is empty where nothing is said, and of live alone', () => assert.deepEqual(load({}).settlement, { daily: {}, worlds: ['live'] }))
  test('names currencies, and the least of each', () => {
    assert.deepEqual(load({ settlement: { daily: { KES: { minimum: '100.50' }, UGX: {} } } }).settlement.daily, { KES: { minimum: '100.50' }, UGX: { minimum: '0' } })
  })
  for (const [what, daily] of Object.entries({
    'a currency that nobody knows': { QQQ: {} }, 'digits that a currency has not': { UGX: { minimum: '1.5' } }, 'less than nothing': { KES: { minimum: '-1' } },
    'a currency in lower case': { kes: {} },
  })) {
    test(`may not be of ${what}`, () => assert.match(faultOf(() => load({ settlement: { daily } })).message, /settlement\.daily|settlement/))
  }
})

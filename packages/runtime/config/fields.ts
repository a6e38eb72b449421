import { isIP } from 'node:net'
import { anomalyResponses, merchantKeyScopesDefault, paymentDirections, scopes } from '@ngome/contracts'
import { currencyDigits, worlds, type Currency } from '@ngome/kernel'
import { z } from 'zod'
import { airtelMoney } from './airtel-money.ts'
import { mtnDisbursement } from './mtn-momo.ts'
import { cardAcquirer } from './card-acquirer.ts'
import { networkReport } from './network-report.ts'
import { networkRouting } from './network-routing.ts'
import { publicTls } from './public-tls.ts'
import { payouts } from './payouts.ts'
import { rootKeySetting } from './root-key-setting.ts'
import { secret } from './secret-field.ts'
import { timeZone } from './time-zone.ts'

/** One day: the longest life of a process certificate, so that a stolen one is soon worth nothing. */
const daySeconds = 86_400

const port = (fallback: number) =>
  z.int({ error: 'must be a port number' }).min(1, 'must be at least 1: port 0 would move at each start')
    .max(65_535, 'must be at most 65535: TCP has no more ports').default(fallback)

const seconds = (fallback: number, min: number, max: number, reason: string) =>
  z.int({ error: 'must be a whole number of seconds' }).min(min, `must be at least ${min} s: ${reason}`)
    .max(max, `must be at most ${max} s: ${reason}`).default(fallback)

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an address, without a port')

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .refine((text) => !/[?#]|\/\/[^/]*@/.test(text), 'must have no user, query or fragment: secrets have their own keys')

const isDatabaseUrl = (text: string) => /^postgres(?:ql)?:\/\/[^\s]+$/.test(text) && URL.canParse(text)

/** A prefix that is part of an address would be the whole Internet by a slip: /8 is the widest. */
const subnet = z.string().max(64).refine((text) => {
  const [address = '', bits = '', ...rest] = text.split('/')
  const family = isIP(address)
  return rest.length === 0 && /^[1-9][0-9]{0,2}$/.test(bits) && family !== 0 && Number(bits) >= 8 && Number(bits) <= (family === 4 ? 32 : 128)
}, 'must be a network such as 192.0.2.0/24, /8 or narrower')

/** As a browser writes it: the links that payers get begin with it. */
const isOrigin = (text: string) => {
  const url = URL.parse(text)
  return url?.protocol === 'https:' && url.origin === text && isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0
}

const gateway = z.strictObject({
  host: host.default('127.0.0.1').describe('Address that the public API listens on.'),
  port: port(8443).describe('Port of the public API.'),
  internalHost: host.default('127.0.0.1').describe('Address of health, readiness, metrics and self-tests.'),
  internalPort: port(8445).describe('Port of health, readiness, metrics and self-tests.'),
  publicNames: z.array(host).min(1, 'must name at least one: the certificate needs a name').max(32)
    .default(['localhost', '127.0.0.1']).describe('Names in the certificate of the public API.'),
  checkoutOrigin: z.string().max(300).refine(isOrigin, 'must be https://name or https://name:port in lower case, and nothing more').optional()
    .describe('Origin of the hosted checkout: a name of its own that leads to this gateway; https://checkout.localhost at its port where it is left out, or none beside a certificate of your own.'),
  tls: publicTls.prefault({}),
  neverBanned: z.array(subnet).max(64).default(['127.0.0.0/8', '::1/128'])
    .describe('Networks that are never banned, nor slowed in opening connections: this machine, and proxies of your own.'),
})

const isCustodianDatabaseUrl = (text: string) => isDatabaseUrl(text) && !/[?#]|:\/\/[^@/]*:[^@/]*@/.test(text)
  && /^\/[a-z][a-z0-9_]{0,62}$/.test(new URL(text).pathname) && new URL(text).username !== ''
const pemOf = (label: string) => new RegExp(`^-----BEGIN ${label}-----\\n[A-Za-z0-9+/=\\n]+-----END ${label}-----\\n?$`)

const custodianDatabase = z.strictObject({
  url: secret(isCustodianDatabaseUrl, 'must be postgresql://user@host:port/name: a certificate is the password')
    .describe('The PostgreSQL of a pair of custodians, and of nobody else.'),
  authority: secret(pemOf('CERTIFICATE'), 'must be the certificate, PEM, of the authority that issued the server\'s')
    .describe('Which authority the server\'s certificate must come from.'),
  certificate: secret(pemOf('CERTIFICATE'), 'must be a certificate, PEM').describe('The custodian\'s certificate there.'),
  key: secret(pemOf('(?:EC )?PRIVATE KEY'), 'must be a private key, PEM').describe('The key of that certificate.'),
})

const twin = z.strictObject({
  host: host.describe('Where the other custodian is reached.'),
  port: port(8444).describe('Its port, mutual TLS.'),
  enrolmentPort: port(8449).describe('Its port for enrolment.'),
})

const custodian = z.strictObject({
  host: host.default('127.0.0.1').describe('Where the custodian listens and is reached.'),
  port: port(8444).describe('Port of the custodian, mutual TLS.'),
  enrolmentPort: port(8449).describe('Port where a process without a certificate enrols with its one-time token.'),
  enrolmentKeyPath: z.string().min(1).max(1024).optional()
    .describe('The custodian\'s copy of the key that enrolment tokens are checked with.'),
  rootKey: rootKeySetting.default({ kind: 'file' })
    .describe('What holds the root key: file (test world only), shares, or a pkcs11: URI (NGOME_ROOT_KEY).'),
  twin: twin.optional().describe('The other custodian of a pair, asked where this one is away.'),
  database: custodianDatabase.optional().describe('The store of a pair; without it the store is a file.'),
  previousRootKey: rootKeySetting.optional()
    .describe('What held the root key before: the new one succeeds it while the custodian runs. Remove it afterwards.'),
})

const dispatcher = z.strictObject({
  internalHost: host.default('127.0.0.1').describe('Address of health, readiness, metrics and self-tests.'),
  internalPort: port(8446).describe('Port of health, readiness, metrics and self-tests.'),
  callbackBaseUrl: httpUrl.optional().describe('Base address at which providers reach the gateway.'),
})

const database = z.strictObject({
  host: host.optional().describe('Where PostgreSQL listens.'),
  port: z.int().min(1).max(65_535).optional().describe('Port of PostgreSQL.'),
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be lower case letters, digits and underscores').optional()
    .describe('Name of the database.'),
  tls: z.boolean().optional().describe('Whether connections use TLS with a verified certificate.'),
  url: secret(isDatabaseUrl, 'must be postgresql://user:password@host:port/name').optional()
    .describe('An external database with its administrator; only the launcher gets it.'),
}).superRefine(({ url, ...parts }, context) => {
  if (url === undefined || Object.values(parts).every((part) => part === undefined)) return
  const message = 'must stand alone: remove host, port, name and tls, which the address already says'
  context.addIssue({ code: 'custom', path: ['url'], message })
})

const keys = z.strictObject({
  dataKeyPeriodS: seconds(3600, 1, 3600, 'a thief of the gateway\'s memory gets the data keys of one period')
    .describe('How long the gateway seals with one data key; at its end the process is replaced.'),
  merchantKeyPeriodS: seconds(daySeconds, 1, 31 * daySeconds, 'disposal destroys one period at a time')
    .describe('How long data keys are sealed to one merchant key.'),
  certificateLifeS: seconds(daySeconds, 2, daySeconds, 'a stolen certificate works until its end')
    .describe('Life of a process certificate; renewed at two thirds.'),
  suite: z.enum(['hybrid', 'fips'], { error: 'must be hybrid or fips' }).default('hybrid')
    .describe('Suite of new merchant keys: hybrid (post-quantum) or fips (P-256, not post-quantum).'),
  policy: z.strictObject({
    rootAgeS: seconds(365 * daySeconds, 60, 730 * daySeconds, 'NIST SP 800-57 part 1 §5.3.6 bounds a key-wrapping key by two years')
      .describe('How old the root key becomes before it is replaced.'),
    authorityAgeS: seconds(1_825 * daySeconds, 60, 3_285 * daySeconds, 'its certificate ends after ten years')
      .describe('How old the certificate authority becomes before it is replaced.'),
    webhookSecretAgeS: seconds(365 * daySeconds, daySeconds, 730 * daySeconds, 'the merchant has to replace it')
      .describe('How old a webhook endpoint\'s secret becomes before the operator is reminded.'),
    apiKeyAgeS: seconds(90 * daySeconds, daySeconds, 730 * daySeconds, 'the merchant has to roll it')
      .describe('How old an API key becomes before its people are reminded.'),
    apiKeyUnusedS: seconds(30 * daySeconds, daySeconds, 730 * daySeconds, 'a key that nobody uses is one that nobody misses')
      .describe('How long an API key is unused before its people are reminded.'),
    merchantKeyScopes: z.array(z.enum(scopes, { error: 'must be scopes of API keys' })).max(scopes.length).default([...merchantKeyScopesDefault])
      .describe('Which scopes merchants may give API keys that they make themselves; none: they make none.'),
    merchantApiKeyLifeS: seconds(365 * daySeconds, daySeconds, 1_830 * daySeconds, 'what nobody renews nobody looks at')
      .describe('How long an API key that a merchant makes itself can work at most.'),
    pepperAgeS: seconds(365 * daySeconds, 60, 730 * daySeconds, 'a copy of a gateway\'s memory serves for so long')
      .describe('How old the pepper of API keys becomes before it is replaced.'),
    pepperKeptS: seconds(400 * daySeconds, 3600, 1460 * daySeconds, 'a key that is used once a year must live through it')
      .describe('How long a pepper that was replaced is kept for keys that nobody used since; then these stop working.'),
    indexAgeS: seconds(730 * daySeconds, daySeconds, 1460 * daySeconds, 'merchants see other fingerprints after each')
      .describe('How old a merchant\'s index key becomes before another follows it.'),
    destructionWaitS: seconds(7 * daySeconds, 3600, 90 * daySeconds, 'a destruction is called back or it happens')
      .describe('How long the destruction of merchant keys waits and can be cancelled.'),
  }).prefault({}),
})

const limit = (ratePerS: number, burst: number) => z.strictObject({
  ratePerS: z.int().min(1, 'must be at least 1 a second').max(1_000_000, 'must be at most 1000000: no gateway serves more')
    .default(ratePerS).describe('Tokens that come back each second; a call takes what its operation costs, 1 to 50.'),
  burst: z.int().min(1, 'must be at least 1').max(1_000_000, 'must be at most 1000000').default(burst)
    .describe('Tokens that there can be at once.'),
}).prefault({})

// A payment costs 5 and the reading of one 1. Merchants of an aggregator do 50 to 500 requests a second, most of them
// reads: a key with these makes 100 payments a second and goes on for ever, or 200 at once after a pause. Both worlds have the same,
// so that what a merchant tried under load in test works in live.
const tenantLimits = z.strictObject({
  key: limit(500, 1_000).describe('Of each API key.'),
  merchant: limit(1_000, 2_000).describe('Of all secret keys of a merchant together, and as much again of its publishable ones.'),
  route: limit(500, 1_000).describe('The same, for each operation.'),
}).prefault({})

const isLimitsUrl = (text: string) => /^rediss?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:\/[0-9]{1,2})?$/.test(text) && URL.canParse(text)

const limits = z.strictObject({
  test: tenantLimits.describe('Of the test world.'),
  live: tenantLimits.describe('Of the live world.'),
  // All that comes from one server of a merchant, several keys among it.
  address: limit(2_000, 4_000).describe('Of one IPv4 address or IPv6 /64, before its key is looked at; of each gateway.'),
  failureCost: z.int().min(1).max(10_000).default(40)
    .describe('What a request with a wrong key takes from its address: with the default, 50 a second are tried.'),
  ceiling: limit(10_000, 20_000).describe('What a merchant\'s own limits in the database can be at most.'),
  gateways: z.int().min(1, 'must be at least 1').max(64, 'must be at most 64').default(1)
    .describe('How many gateways there are: what each enforces is a part of the limit where they share no store.'),
  store: z.strictObject({
    url: z.string().refine(isLimitsUrl, 'must be rediss://host:port, without user and password').describe('Valkey or Redis.'),
    user: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be the name of an ACL user').optional(),
    password: secret(/^[\x21-\x7e]{8,512}$/, 'must be 8 to 512 printable characters').optional(),
    authority: secret(pemOf('CERTIFICATE'), 'must be the certificate, PEM, of the authority that issued the server\'s').optional()
      .describe('Which authority the server\'s certificate must come from; the system\'s where it is left out.'),
  }).optional().describe('What several gateways share; without it each enforces its part alone.'),
})

const tariffAmount = z.string().regex(/^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?$/, 'must be a decimal in major units, such as "0.50"')
const tariff = z.strictObject({
  fixed: tariffAmount.default('0').describe('Part of the fee that is the same for every amount, in major units.'),
  basisPoints: z.int().min(0).max(5_000, 'must be at most 5000, which is half of it').default(0).describe('Hundredths of a percent of the amount.'),
  min: tariffAmount.default('0').describe('The least that the fee comes to.'),
  max: tariffAmount.optional().describe('The most that the fee comes to.'),
})

const network = z.strictObject({
  connector: z.enum(['mtn-momo', 'airtel-money', 'card-acquirer'], { error: 'must be mtn-momo, airtel-money or card-acquirer' }).describe('The protocol that the network speaks.'),
  world: z.enum(worlds).describe('Whether real money moves.'),
  label: z.string().regex(/^[\p{L}\p{N} .&()-]{1,40}$/u, 'must be letters, digits and spaces, at most 40').optional()
    .describe('What payers call it, on the checkout page.'),
  baseUrl: httpUrl.optional().describe('Base address of the provider\'s API; the simulator where it is left out.'),
  targetEnvironment: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be the provider\'s name of the environment').optional()
    .describe('MTN\'s name of the environment.'),
  airtel: airtelMoney.optional().describe('What is Airtel Money\'s own.'),
  card: cardAcquirer.optional().describe('What is a card acquirer\'s own.'),
  directions: z.array(z.enum(paymentDirections, { error: 'must be collection, payout or refund' })).min(1).default(['collection'])
    .describe('Which ways money goes by it: collection, payout, refund.'),
  currency: z.enum(Object.keys(currencyDigits) as [Currency, ...Currency[]], { error: 'must be a known ISO 4217 code' }),
  callingCode: z.string().regex(/^[1-9][0-9]{0,2}$/, 'must be an E.164 country code, without the plus sign').optional()
    .describe('How numbers of its phones begin; a network of cards has none.'),
  subscriptionKey: secret(/^[\x21-\x7e]{8,256}$/, 'must be 8 to 256 printable characters').optional(),
  apiUser: secret(/^[0-9a-fA-F-]{36}$/, 'must be a UUID').optional(),
  apiKey: secret(/^[\x21-\x7e]{8,256}$/, 'must be 8 to 256 printable characters').optional(),
  disbursement: mtnDisbursement.optional().describe('MTN\'s product for payouts and refunds.'),
  requestTimeoutMs: z.int().min(100, 'must be at least 100 ms: no network answers faster')
    .max(60_000, 'must be at most 60000 ms: a job must end before its lock does').default(10_000),
  settleAfterS: seconds(120, 1, daySeconds, 'before this the network\'s "not found" is not final'),
  enquiryIntervalS: seconds(5, 1, 3600, 'the network limits enquiries').describe('Pause between enquiries.'),
  enquiriesPerSecondMax: z.int().min(1, 'must be at least 1').max(1000, 'must be at most 1000: no network allows more')
    .default(10).describe('The network\'s cap on enquiries; MTN\'s is 10 a second.'),
  giveUpAfterS: seconds(900, 2, 3 * daySeconds, 'the custodian opens a record for dispatch for 72 hours'),
  fees: z.strictObject({ collection: tariff.optional(), payout: tariff.optional(), refund: tariff.optional() }).prefault({})
    .describe('What the operator takes of payments by this network.'),
  report: networkReport.optional().describe('How its report is written, for reconciliation.'),
  ...networkRouting,
})

const webhooks = z.strictObject({
  attemptsMax: z.int().min(1, 'must be at least 1').max(32, 'must be at most 32: as many as are kept of each delivery')
    .default(32),
  firstRetryS: seconds(5, 1, 3600, 'each later pause is longer').describe('The longest that the first pause may be; each may be three times the one before.'),
  retryMaxS: seconds(daySeconds / 2, 1, daySeconds, 'a longer pause would outlive the event').describe('The longest that any pause may be.'),
  retryForS: seconds(3 * daySeconds, 1, 7 * daySeconds, 'who wants older news lists them').describe('For how long a webhook is tried.'),
  timeoutMs: z.int().min(100, 'must be at least 100 ms').max(30_000, 'must be at most 30000 ms: slow endpoints hold workers')
    .default(10_000),
  warnAfterS: seconds(2 * daySeconds, 1, 30 * daySeconds, 'a warning must come before the end')
    .describe('After this time in which an endpoint took nothing its merchant is warned.'),
  disableAfterS: seconds(5 * daySeconds, 2, 30 * daySeconds, 'an endpoint that is away for a weekend comes back')
    .describe('After this time in which an endpoint took nothing it is disabled.'),
  disableAfterTries: z.int().min(1, 'must be at least 1').max(10_000, 'must be at most 10000: an endpoint that fails so often is gone').default(20)
    .describe('So many tries must have failed as well.'),
})

const days = (fallback: number, min: number, max: number, reason: string) =>
  z.int({ error: 'must be a whole number of days' }).min(min, `must be at least ${min}: ${reason}`)
    .max(max, `must be at most ${max}: ${reason}`).default(fallback)

const usage = z.strictObject({
  requestLogDays: days(30, 1, 400, 'a line holds an address, and is kept no longer than somebody reads it')
    .describe('How long a merchant\'s request log is kept.'),
  minuteDays: days(7, 3, 90, 'what is usual is learned from minutes within two days')
    .describe('How long the use of keys is kept by minute; then by hour.'),
  hourDays: days(400, 31, 1_100, 'a year is compared with the one before').describe('How long the use of keys is kept by hour.'),
  onAnomaly: z.enum(anomalyResponses, { error: 'must be notify, demand_signed, throttle or suspend' }).default('notify')
    .describe('What is done about very unusual use of a key, where nothing was said for its merchant.'),
})

const ledger = z.strictObject({
  timeZone: timeZone.default('UTC')
    .describe('At whose midnights the days of the ledger end.'),
})

const settlement = z.strictObject({
  daily: z.record(z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code, such as KES'), z.strictObject({
    minimum: tariffAmount.default('0').describe('Less than this is left for a later day; in major units.'),
  })).prefault({}).describe('Currencies in which each merchant is settled after each closed day; none where nothing is said.'),
  worlds: z.array(z.enum(worlds)).default(['live']).describe('The worlds of the schedule.'),
})

const hostPort = z.string().regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}$/, 'must be host:port in lower case')
/** kebab-case, so that a name has one form in the environment: `mtn-ug` is `MTN_UG`. */
const networkName = z.string().max(32).regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'must be lower case, such as mtn-ug')

/** What there is where nothing is configured: one network, in the test world, against the simulator. */
export function defaultNetworks(): Record<string, z.input<typeof network>> {
  return {
    'mtn-sandbox': {
      connector: 'mtn-momo', world: 'test', targetEnvironment: 'sandbox', currency: 'EUR', callingCode: '46',
      directions: ['collection', 'payout', 'refund'],
      // Its simulator takes every number, as MTN's sandbox does.
      prefixes: ['467'],
    },
  }
}

/** What may be configured, before the values that follow from others are filled in. */
export const configObject = z.strictObject({
  dataDir: z.string().min(1, 'must name a folder').max(1024).describe('Where all data lies (NGOME_DATA).'),
  gateway: gateway.prefault({}),
  custodian: custodian.prefault({}),
  dispatcher: dispatcher.prefault({}),
  simulator: z.strictObject({
    port: port(8447).describe('Port of MTN MoMo\'s simulator.'),
    airtelPort: port(8450).describe('Port of Airtel Money\'s simulator.'),
    cardPort: port(8452).describe('Port of the card acquirer\'s simulator.'),
  }).prefault({}),
  database: database.prefault({}),
  keys: keys.prefault({}),
  egress: z.strictObject({
    allowPrivate: z.array(hostPort).max(64).optional()
      .describe('host:port that the dispatcher may reach although private or plain HTTP.'),
  }).prefault({}),
  networks: z.record(networkName, network).prefault(() => defaultNetworks()).describe('The payment networks, by name.'),
  payouts: payouts.prefault({}),
  webhooks: webhooks.prefault({}),
  limits: limits.prefault({}),
  usage: usage.prefault({}),
  ledger: ledger.prefault({}),
  settlement: settlement.prefault({}),
  log: z.strictObject({
    level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'], { error: 'must be a level of the log' })
      .default('info'),
  }).prefault({}),
})

export type PartialConfig = z.output<typeof configObject>
/** Completed; `callingCode` is empty of a network of cards. */
export type NetworkConfig = z.output<typeof network> & { readonly baseUrl: string; readonly callingCode: string }

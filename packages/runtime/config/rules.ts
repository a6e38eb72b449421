import { parseAmount, parseCurrency, type Currency } from '@ngome/kernel'
import type { z } from 'zod'
import type { completeConfig } from './complete-config.ts'
import { airtelCountries, airtelSettleAfterSMin } from './airtel-money.ts'
import { checkRouting } from './check-routing.ts'
import { isLoopbackHost } from './loopback.ts'
import type { NetworkConfig } from './fields.ts'
import { mtnEnvironments } from './mtn-momo.ts'

type Completed = ReturnType<typeof completeConfig>
type Refuse = (path: readonly string[], message: string) => void

/** The rules that relate one value to another. */
export function checkConfig(config: Completed, context: z.RefinementCtx): void {
  const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path: [...path], message })
  checkPorts(config, refuse)
  checkDatabase(config, refuse)
  checkPair(config, refuse)
  checkLimits(config, refuse)
  checkAcme(config, refuse)
  checkCheckout(config, refuse)
  if (config.keys.dataKeyPeriodS > config.keys.merchantKeyPeriodS) {
    refuse(['keys', 'dataKeyPeriodS'], 'must be at most keys.merchantKeyPeriodS: a data key is sealed to one merchant key')
  }
  if (config.webhooks.warnAfterS >= config.webhooks.disableAfterS) {
    refuse(['webhooks', 'warnAfterS'], 'must be below webhooks.disableAfterS: who is warned must have time left')
  }
  if (config.webhooks.firstRetryS > config.webhooks.retryMaxS) {
    refuse(['webhooks', 'firstRetryS'], 'must be at most webhooks.retryMaxS: pauses grow towards it')
  }
  for (const [code, { minimum }] of Object.entries(config.settlement.daily)) {
    const currency = parseCurrency(code)
    if (currency === undefined) refuse(['settlement', 'daily', code], 'must be a currency that we know')
    else if (parseAmount(minimum, currency) === undefined && Number(minimum) !== 0) {
      refuse(['settlement', 'daily', code, 'minimum'], `must have no more digits than ${code} has`)
    }
  }
  for (const [currency, text] of Object.entries(config.payouts.approvalOver)) {
    if (parseAmount(text, currency as Currency) === undefined) refuse(['payouts', 'approvalOver', currency], `must have no more digits than ${currency} has`)
  }
  for (const [name, network] of Object.entries(config.networks)) checkNetwork(config, name, network, refuse)
}

function checkPorts(config: Completed, refuse: Refuse): void {
  const seen = new Map<number, string>()
  const ports: readonly [string, string, number, boolean][] = [
    ['gateway', 'port', config.gateway.port, true],
    ['gateway', 'internalPort', config.gateway.internalPort, true],
    ['custodian', 'port', config.custodian.port, isLoopbackHost(config.custodian.host)],
    ['custodian', 'enrolmentPort', config.custodian.enrolmentPort, isLoopbackHost(config.custodian.host)],
    ['dispatcher', 'internalPort', config.dispatcher.internalPort, true],
    ['simulator', 'port', config.simulator.port, true],
    ['simulator', 'airtelPort', config.simulator.airtelPort, Object.values(config.networks).some(({ connector }) => connector === 'airtel-money')],
    ['simulator', 'cardPort', config.simulator.cardPort, Object.values(config.networks).some(({ connector }) => connector === 'card-acquirer')],
    ['database', 'port', config.database.port, isLoopbackHost(config.database.host)],
  ]
  for (const [room, key, port, isHere] of ports) {
    if (!isHere) continue
    const other = seen.get(port)
    if (other !== undefined) refuse([room, key], `must differ from ${other}: two processes cannot share port ${port}`)
    seen.set(port, `${room}.${key}`)
  }
}

function checkDatabase({ database }: Completed, refuse: Refuse): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(database.name)) {
    refuse(['database', 'url'], 'must end in a database name of lower case letters, digits and underscores')
  }
  if (!database.tls && !isLoopbackHost(database.host)) {
    refuse(['database', 'tls'], 'must be true (in an address: sslmode=verify-full): this database is on another machine')
  }
}

function checkPair({ custodian, database }: Completed, refuse: Refuse): void {
  if (custodian.twin !== undefined && custodian.twin.host === custodian.host && custodian.twin.port === custodian.port) {
    refuse(['custodian', 'twin', 'port'], 'must differ from custodian.port: the twin is another process')
  }
  const own = custodian.database?.url.expose((text) => new URL(text))
  if (own === undefined) return
  if (own.hostname === database.host && Number(own.port === '' ? 5432 : own.port) === database.port) {
    refuse(['custodian', 'database', 'url'], 'must be a server of its own: the application\'s would let others at the keys')
  }
}

function checkLimits({ limits }: Completed, refuse: Refuse): void {
  const { store } = limits
  if (store === undefined) return
  const url = new URL(store.url)
  if (url.protocol === 'redis:' && !isLoopbackHost(url.hostname)) {
    refuse(['limits', 'store', 'url'], 'must be rediss: this store is on another machine')
  }
  if (url.protocol === 'redis:' && store.authority !== undefined) {
    refuse(['limits', 'store', 'authority'], 'must be left out: without TLS nobody looks at a certificate')
  }
  if (store.user !== undefined && store.password === undefined) {
    refuse(['limits', 'store', 'password'], 'must be given together with user')
  }
}

/** Pages that a script of another page could reach would not have an origin of their own. */
function checkCheckout({ gateway: { checkoutOrigin, publicNames } }: Completed, refuse: Refuse): void {
  if (checkoutOrigin === undefined || !publicNames.some((name) => name.toLowerCase() === new URL(checkoutOrigin).hostname)) return
  refuse(['gateway', 'checkoutOrigin'], 'must have a name that is not of gateway.publicNames: the API is no origin for pages')
}

function checkAcme({ gateway }: Completed, refuse: Refuse): void {
  const { acme } = gateway.tls
  if (acme === undefined) return
  const missing = gateway.certificateNames.filter((name) => !acme.names.includes(name))
  if (missing.length > 0) refuse(['gateway', 'tls', 'acme', 'names'], `must name all of gateway.publicNames, and the checkout's: add ${missing.join(', ')}`)
  if (new Set(acme.names).size < acme.names.length) refuse(['gateway', 'tls', 'acme', 'names'], 'must name each once')
  const wrong = acme.names.find((name) => name !== name.toLowerCase() || name.startsWith('['))
  if (wrong !== undefined) refuse(['gateway', 'tls', 'acme', 'names'], `must be in lower case, and addresses without brackets: ${wrong}`)
  const port = Number(acme.listen.slice(acme.listen.lastIndexOf(':') + 1))
  if (port > 65_535) refuse(['gateway', 'tls', 'acme', 'listen'], 'must have a port of at most 65535')
  if (port === gateway.port || port === gateway.internalPort) {
    refuse(['gateway', 'tls', 'acme', 'listen'], `must have a port of its own: ${port} is the gateway's already`)
  }
}

function checkNetwork(config: Completed, name: string, network: NetworkConfig, refuse: Refuse): void {
  const path = ['networks', name]
  const url = new URL(network.baseUrl)
  if (network.world === 'live') {
    if (url.protocol !== 'https:') refuse([...path, 'baseUrl'], 'must be https: this network moves real money')
    if (isLoopbackHost(url.hostname)) refuse([...path, 'baseUrl'], 'must not be this machine: live refuses simulators')
    if (network.targetEnvironment === 'sandbox') {
      refuse([...path, 'targetEnvironment'], 'must not be sandbox: live refuses simulators')
    }
  } else if (url.protocol !== 'https:' && !config.egress.allowPrivate.includes(url.host)) {
    refuse([...path, 'baseUrl'], `must be https, or add ${url.host} to egress.allowPrivate`)
  }
  checkConnector(path, network, refuse)
  if ((network.apiUser === undefined) !== (network.apiKey === undefined)) {
    refuse([...path, 'apiKey'], 'must be given together with apiUser: the provider checks them as a pair')
  }
  checkMtn(path, network, refuse)
  checkRouting(config.networks, name, (key, message) => refuse([...path, ...key], message))
  if (network.enquiryIntervalS > network.settleAfterS) {
    refuse([...path, 'enquiryIntervalS'], 'must be at most settleAfterS: else no enquiry falls into the settling time')
  }
  for (const [direction, tariff] of Object.entries(network.fees)) {
    for (const [part, text] of Object.entries(tariff ?? {})) {
      const isWrong = typeof text === 'string' && parseAmount(text, network.currency) === undefined
      if (isWrong) refuse([...path, 'fees', direction, part], `must have no more digits than ${network.currency} has`)
    }
  }
  if (network.settleAfterS >= network.giveUpAfterS) {
    refuse([...path, 'settleAfterS'], 'must be below giveUpAfterS: else a payment is given up before its answer is final')
  }
}

function checkMtn(path: readonly string[], network: NetworkConfig, refuse: Refuse): void {
  const { disbursement, targetEnvironment, currency, callingCode } = network
  if (disbursement !== undefined && (disbursement.apiUser === undefined) !== (disbursement.apiKey === undefined)) {
    refuse([...path, 'disbursement', 'apiKey'], 'must be given together with apiUser: the provider checks them as a pair')
  }
  if (targetEnvironment === undefined || !Object.hasOwn(mtnEnvironments, targetEnvironment)) return
  const known = mtnEnvironments[targetEnvironment]
  if (known?.confidence !== 'documented') return
  if (known.currency !== currency) refuse([...path, 'currency'], `must be ${known.currency}: that is what MTN takes in ${targetEnvironment}`)
  if (known.callingCode !== callingCode) refuse([...path, 'callingCode'], `must be ${known.callingCode}: so numbers of ${targetEnvironment} begin`)
}

/** Cards have no phones, go out by no payout, and their numbers travel in TLS, except to a simulator on this machine. */
function checkCards(path: readonly string[], network: NetworkConfig, refuse: Refuse): void {
  for (const key of ['targetEnvironment', 'subscriptionKey', 'apiUser', 'apiKey', 'disbursement', 'airtel', 'prefixes'] as const) {
    if (network[key] !== undefined) refuse([...path, key], 'must be left out: this network has cards')
  }
  if (network.callingCode !== '') refuse([...path, 'callingCode'], 'must be left out: cards have no phones')
  if (network.directions.includes('payout')) refuse([...path, 'directions'], 'must be collection and refund: nothing is paid out to cards')
  if (network.fallback.length > 0) refuse([...path, 'fallback'], 'must be left out: a card is charged where it was meant to be')
  const isSafe = (url: URL): boolean => url.protocol === 'https:' || (network.world === 'test' && isLoopbackHost(url.hostname))
  if (!isSafe(new URL(network.baseUrl))) refuse([...path, 'baseUrl'], 'must be https: card numbers go there')
  const { account, secret, challengeOrigins = [] } = network.card ?? {}
  if ((account === undefined) !== (secret === undefined)) refuse([...path, 'card', 'secret'], 'must be given together with account')
  if (challengeOrigins.some((origin) => !isSafe(new URL(origin)))) refuse([...path, 'card', 'challengeOrigins'], 'must be https: payers are sent there')
}

/** What belongs to one connector stands with that one, and all of it. */
function checkConnector(path: readonly string[], network: NetworkConfig, refuse: Refuse): void {
  const { airtel, targetEnvironment, currency, callingCode } = network
  if (network.connector === 'card-acquirer') {
    checkCards(path, network, refuse)
    return
  }
  if (network.card !== undefined) refuse([...path, 'card'], 'must be left out: this network has no cards')
  if (callingCode === '') refuse([...path, 'callingCode'], 'must be given: payers are asked by phone')
  if (network.connector === 'mtn-momo') {
    if (targetEnvironment === undefined) refuse([...path, 'targetEnvironment'], 'must be given: MTN wants it with every call')
    if (airtel !== undefined) refuse([...path, 'airtel'], 'must be left out: this network is MTN\'s')
    return
  }
  for (const key of ['targetEnvironment', 'subscriptionKey', 'apiUser', 'apiKey', 'disbursement'] as const) {
    if (network[key] !== undefined) refuse([...path, key], 'must be left out: this network is Airtel\'s')
  }
  if (network.world === 'live' && network.settleAfterS < airtelSettleAfterSMin) {
    refuse([...path, 'settleAfterS'], `must be at least ${airtelSettleAfterSMin}: so long Airtel asks to wait before it is asked about a payment`)
  }
  const country = airtel === undefined ? undefined : airtelCountries[airtel.country]
  if (airtel === undefined) refuse([...path, 'airtel'], 'must be given, with its country')
  else if (country === undefined) refuse([...path, 'airtel', 'country'], `must be one of ${Object.keys(airtelCountries).join(', ')}`)
  else {
    if (!country.currencies.includes(currency)) refuse([...path, 'currency'], `must be ${country.currencies.join(' or ')}: that is what Airtel Money settles in there`)
    if (country.callingCode !== callingCode) refuse([...path, 'callingCode'], `must be ${country.callingCode}: so its numbers begin`)
  }
  for (const [one, other] of [['clientId', 'clientSecret'], ['clientSecret', 'clientId'], ['pin', 'pinKey'], ['pinKey', 'pin']] as const) {
    if (airtel?.[one] !== undefined && airtel[other] === undefined) refuse([...path, 'airtel', other], `must be given together with ${one}`)
  }
}

import { join } from 'node:path'
import type { Random } from '@ngome/kernel'
import { processFolder, type Config, type NetworkConfig } from '@ngome/runtime'
import { z } from 'zod'
import { randomUuid } from '../random-uuid.ts'
import { airtelCredentialsSchema, configuredAirtel, simulatedAirtel, type AirtelCredentials } from './airtel-credentials.ts'
import { askSimulator } from './ask-simulator.ts'
import { cardCredentialsSchema, configuredCards, simulatedCards, type CardCredentials } from './card-credentials.ts'
import { readForeignFile, writePrivateFile } from './private-file.ts'

const product = { apiUser: z.string(), apiKey: z.string(), subscriptionKey: z.string() }
const productSchema = z.strictObject(product)
const credentialsSchema = z.strictObject({ ...product, disbursement: productSchema.optional() })
const fileSchema = z.record(z.string(), z.union([credentialsSchema, airtelCredentialsSchema, cardCredentialsSchema]))
type ProductCredentials = z.output<typeof productSchema>
type Credentials = z.output<typeof credentialsSchema>
type AnyCredentials = Credentials | AirtelCredentials | CardCredentials

/** Whether this platform has a network that this connector's simulator plays. */
export function usesSimulator(config: Config, connector: NetworkConfig['connector']): boolean {
  return Object.values(config.networks).some((network) => network.connector === connector && isSimulated(network, config))
}

/**
 * Writes the dispatcher's credentials of each network: those of the configuration; else, for a network that the
 * simulator plays, ones that it is asked for as MTN's portal would be.
 * @param owner whom the file belongs to, where it is not us
 */
export async function writeProviderCredentials(config: Config, owner: number | undefined, random: Random): Promise<void> {
  const file = join(processFolder(config, 'dispatcher'), 'providers.json')
  const text = readForeignFile(file, owner)?.toString('utf8')
  const known = text === undefined ? {} : fileSchema.parse(JSON.parse(text))
  const all: Record<string, AnyCredentials> = {}
  for (const [name, network] of Object.entries(config.networks)) {
    const credentials = await credentialsOf(config, network, known[name], random) ?? known[name]
    if (credentials !== undefined) all[name] = credentials
  }
  writePrivateFile(file, JSON.stringify(all) + '\n', owner)
}

async function credentialsOf(
  config: Config, network: NetworkConfig, known: AnyCredentials | undefined, random: Random,
): Promise<AnyCredentials | undefined> {
  const { airtel } = network
  if (network.connector === 'card-acquirer') {
    const given = configuredCards(network.card ?? {})
    if (given !== undefined || !isSimulated(network, config)) return given
    return simulatedCards(network.baseUrl, known !== undefined && 'account' in known ? known : undefined)
  }
  if (airtel === undefined) {
    return configured(network) ?? simulated(config, network, known !== undefined && 'apiUser' in known ? known : undefined, random)
  }
  const given = configuredAirtel(airtel)
  if (given !== undefined || !isSimulated(network, config)) return given
  return simulatedAirtel(network.baseUrl, airtel.country, known !== undefined && 'clientId' in known ? known : undefined)
}

function isSimulated({ world, baseUrl, connector }: NetworkConfig, { simulator }: Config): boolean {
  const port = { 'mtn-momo': simulator.port, 'airtel-money': simulator.airtelPort, 'card-acquirer': simulator.cardPort }[connector]
  return world === 'test' && new URL(baseUrl).host === `127.0.0.1:${port}`
}

function configured(network: NetworkConfig): Credentials | undefined {
  const collection = exposed(network)
  if (collection === undefined) return undefined
  const disbursement = exposed(network.disbursement ?? {})
  return disbursement === undefined ? collection : { ...collection, disbursement }
}

function exposed({ apiUser, apiKey, subscriptionKey }: Partial<Pick<NetworkConfig, keyof ProductCredentials>>): ProductCredentials | undefined {
  if (apiUser === undefined || apiKey === undefined || subscriptionKey === undefined) return undefined
  const text = (value: string): string => value
  return { apiUser: apiUser.expose(text), apiKey: apiKey.expose(text), subscriptionKey: subscriptionKey.expose(text) }
}

async function simulated(
  config: Config, network: NetworkConfig, known: Credentials | undefined, random: Random,
): Promise<Credentials | undefined> {
  if (!isSimulated(network, config)) return undefined
  const callbackHost = new URL(config.dispatcher.callbackBaseUrl).hostname
  const collection = await simulatedUser(network, known, { product: 'collection', callbackHost }, random)
  return { ...collection, disbursement: await simulatedUser(network, known?.disbursement, { product: 'disbursement', callbackHost }, random) }
}

type Subscription = { readonly product: 'collection' | 'disbursement'; readonly callbackHost: string }

async function simulatedUser(
  network: NetworkConfig, known: ProductCredentials | undefined, { product: name, callbackHost }: Subscription, random: Random,
): Promise<ProductCredentials> {
  if (known !== undefined && await isKnownUser(network, known, callbackHost)) return known
  const apiUser = randomUuid(random)
  const subscriptionKey = Buffer.from(random.bytes(16)).toString('hex')
  const headers = { 'ocp-apim-subscription-key': subscriptionKey, 'x-reference-id': apiUser }
  const { targetEnvironment } = network
  await askSimulator(network.baseUrl, 'POST', '/v1_0/apiuser', headers, { providerCallbackHost: callbackHost, targetEnvironment, product: name })
  const { body } = await askSimulator(network.baseUrl, 'POST', `/v1_0/apiuser/${apiUser}/apikey`, headers)
  return { apiUser, subscriptionKey, apiKey: z.object({ apiKey: z.string() }).parse(body).apiKey }
}

/** The simulator keeps its books apart from our data: they may have been deleted. */
async function isKnownUser(network: NetworkConfig, known: ProductCredentials, callbackHost: string): Promise<boolean> {
  const headers = { 'ocp-apim-subscription-key': known.subscriptionKey }
  const answer = await askSimulator(network.baseUrl, 'GET', `/v1_0/apiuser/${known.apiUser}`, headers)
  const user = z.object({ providerCallbackHost: z.string(), targetEnvironment: z.string() }).safeParse(answer.body)
  return user.success && user.data.providerCallbackHost === callbackHost && user.data.targetEnvironment === network.targetEnvironment
}

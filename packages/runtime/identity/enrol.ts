import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CustodianResponse } from '@ngome/contracts'
import { Fault, parseBase64Url, parseStrictJson, type Clock, type ProcessRole, type Random, type Secret } from '@ngome/kernel'
import { z } from 'zod'
import { authorityPath } from '../config/process-folder.ts'
import type { Config } from '../config/schema.ts'
import { parseAnswer } from '../custodian/custodian-client.ts'
import { PeerAgent, type ClientContext } from '../custodian/peer-agent.ts'
import { enrolmentPlacesOf, placesOf, postToCustodian } from '../custodian/post-to-custodian.ts'
import type { Logger } from '../logs/create-logger.ts'
import { parseAuthorities } from './authority-bundle.ts'
import { newCertificateRequest } from './certificate-request.ts'
import { createIdentity, type Identity } from './identity.ts'
import { parsePublicKeyText, publicKeyText } from './public-key-text.ts'
import { TrustedAuthorities } from './trusted-authorities.ts'

const timeoutMs = 5000
const firstPauseMs = 50
const pauseMaxMs = 2000

export type Enrolment = {
  readonly config: Pick<Config, 'dataDir'> & { readonly custodian: Pick<Config['custodian'], 'host' | 'port' | 'enrolmentPort'> }
  readonly role: ProcessRole
  /** One-time token from the launcher; it is spent by the first attempt that reaches the custodian. */
  readonly token: Secret<string>
  /** The public half of the key (Ed25519) with which this process signs its data keys. */
  readonly signerPublicKey?: KeyObject
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** See {@link createIdentity}. */
  readonly onExpired?: () => void
}

/**
 * Turns a one-time token into a certificate, over TLS whose server must prove to be the custodian of `ca.pem`. While
 * the custodian is away it tries again until the token expires.
 * @throws Fault `custodian/enrolment_refused` where the token or this process was refused
 * @throws Fault `custodian/unavailable` where the custodian was away until the token expired
 */
export async function enrol(enrolment: Enrolment): Promise<Identity> {
  const { config, role, signerPublicKey } = enrolment
  const request = await newCertificateRequest(role)
  const signer = signerPublicKey === undefined ? null : publicKeyText(signerPublicKey)
  const { answer, authority } = await untilTokenExpires(enrolment, async (pinned) => ({
    authority: pinned,
    answer: await withAgent({ ca: pinned }, async (agent) => parseAnswer('/v1/enrol', (await postToCustodian({
      agent, timeoutMs,
      places: enrolmentPlacesOf(config),
      path: '/v1/enrol',
      body: { token: enrolment.token.expose((token) => token), csr: request.csr, signer },
    })).answer)),
  }))
  // Whom ca.pem names proved the answer; what it says beyond that is believed as at a renewal.
  new TrustedAuthorities(authority).check(answer.authority)
  return createIdentity({
    ...enrolment,
    authority: answer.authority,
    signerId: answer.signerId,
    statementKey: statementKeyOf(answer),
    first: { ...request, certificate: answer.certificate },
    renew: (csr, present) => withAgent(present, async (agent) => parseAnswer('/v1/renew', (await postToCustodian({
      agent, timeoutMs, places: placesOf(config), path: '/v1/renew', body: { csr },
    })).answer)),
  })
}

/** One exchange on a connection of its own. */
async function withAgent<T>(context: ClientContext, exchange: (agent: PeerAgent) => Promise<T>): Promise<T> {
  const agent = new PeerAgent(context, 'custodian')
  try {
    return await exchange(agent)
  } finally {
    agent.destroy()
  }
}

async function untilTokenExpires<T>(enrolment: Enrolment, exchange: (authority: string) => Promise<T>): Promise<T> {
  const { clock, config, logger, random } = enrolment
  const expiresAtMs = tokenExpiresAtMs(enrolment)
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return await exchange(readAuthority(config))
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'custodian/unavailable') throw error
      if (clock.nowMs() + pauseMs >= expiresAtMs) {
        throw new Fault('custodian/unavailable', 'the custodian was away until the enrolment token expired', { cause: error })
      }
      logger.debug({ err: error }, 'the custodian is away; enrolling again soon')
      await sleep(pauseMs * (0.5 + (random.bytes(1)[0] ?? 0) / 512))
    }
  }
}

function readAuthority(config: Enrolment['config']): string {
  try {
    const pem = readFileSync(authorityPath(config), 'utf8')
    // Parsed here because TLS takes an empty text for "trust the system's authorities".
    if (parseAuthorities(pem) !== undefined) return pem
  } catch (cause) {
    // At the very first start the custodian has yet to make it.
    throw new Fault('custodian/unavailable', 'the authority\'s certificate cannot be read yet', { cause })
  }
  throw new Fault('custodian/unavailable', `${authorityPath(config)} is not the certificate of an authority`)
}

const claimsSchema = z.object({ role: z.string(), expiresAtMs: z.int() })
const claimsBounds = { depthMax: 1, nodesMax: 16 }

/** Reads the token's own words, unverified: whether it is genuine is the custodian's to say. */
function tokenExpiresAtMs({ token, role }: Enrolment): number {
  const bytes = parseBase64Url(token.expose((text) => text.split('.')[0] ?? ''))
  const json = bytes === undefined ? undefined : parseStrictJson(bytes, claimsBounds)
  const claims = claimsSchema.safeParse(json?.ok === true ? json.value : undefined)
  if (!claims.success) throw new Fault('custodian/enrolment_refused', 'the enrolment token is not a token')
  if (claims.data.role !== role) {
    throw new Fault('custodian/enrolment_refused', `the enrolment token is for ${claims.data.role}, not for ${role}`)
  }
  return claims.data.expiresAtMs
}

function statementKeyOf(answer: CustodianResponse<'/v1/enrol'>): KeyObject {
  const key = parsePublicKeyText(answer.statementKey)
  if (key === undefined) throw new Fault('custodian/enrolment_refused', 'the custodian\'s statement key is not Ed25519')
  return key
}

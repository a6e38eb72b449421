import type { X509Certificate } from 'node:crypto'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { oldTlsVersions, type TlsObservation } from '@ngome/contracts'
import { tlsName, type Endpoint } from './endpoint.ts'
import { handshake } from './handshake.ts'
import { ocspResponder } from '../ocsp/ocsp-request.ts'
import { proveOcspResponse } from '../ocsp/prove-ocsp-response.ts'
import { chainOf, mustStaple, seenCertificate } from './seen-certificate.ts'

/** OpenSSL leaves old versions out at its default security level; who looks must be able to offer them. */
export const everyCipher = 'DEFAULT@SECLEVEL=0'
/** RFC 8446 §4.1.3, appendix D.2: how a server refuses a version, in OpenSSL's words. */
export const versionAlert = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'
/** All suites of TLS 1.3 (RFC 8446 appendix B.4). */
const suites = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256',
] as const
/** Groups that servers take today (RFC 8446 §4.2.7 and its registry), the ones that we want and the others. */
const groups = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384', 'P-521', 'X448', 'ffdhe2048', 'ffdhe3072'] as const
const answerBytesMax = 16_384
const answerMsMax = 5_000

/**
 * Looks at a public address as a client that checks everything would, once for each version, suite and group.
 * @param endpoint `name` is what the certificate must be for; `host` is where to connect
 * @param roots what is trusted, PEM
 * @param nowMs when a stapled answer has to count
 * @throws NotReached where nobody listens, or nobody answers in time
 */
export async function observeTls(endpoint: Endpoint, roots: readonly string[], nowMs: number): Promise<TlsObservation> {
  const ca = [...roots]
  const base = { ca, ...nameOptions(endpoint.name), minVersion: 'TLSv1.3' } as const
  const oldVersions = {} as TlsObservation['oldVersions']
  for (const version of oldTlsVersions) {
    oldVersions[version] = await offer(endpoint, { ...base, minVersion: version, maxVersion: version, ciphers: everyCipher })
  }
  const isAccepted = async (options: ConnectionOptions): Promise<boolean> => await offer(endpoint, { ...base, ...options }) === 'accepted'
  return {
    name: endpoint.name,
    port: endpoint.port,
    oldVersions,
    suites: await filter(suites, (suite) => isAccepted({ ciphers: suite })),
    groups: await filter(groups, (group) => isAccepted({ ecdhCurve: group })),
    ...await look(endpoint, base, nowMs),
  }
}

/** The certificate is checked for the name, or for the address where it is one, which has no SNI (RFC 6066 §3). */
function nameOptions(name: string): Pick<ConnectionOptions, 'servername'> {
  return { servername: '', ...tlsName(name) }
}

async function offer(endpoint: Endpoint, options: ConnectionOptions): Promise<'refused' | 'accepted' | 'undecided'> {
  const result = await handshake(endpoint, options)
  if (result.kind === 'refused') return result.code === versionAlert ? 'refused' : 'undecided'
  result.socket.destroy()
  return 'accepted'
}

async function filter<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = []
  for (const one of all) if (await holds(one)) kept.push(one)
  return kept
}

type Look = Pick<TlsObservation, 'refusal' | 'chain' | 'hsts' | 'mustStaple' | 'isStapled' | 'staple' | 'namesResponder'>

async function look(endpoint: Endpoint, options: ConnectionOptions, nowMs: number): Promise<Look> {
  const result = await handshake(endpoint, { ...options, requestOCSP: true })
  if (result.kind === 'refused') return { refusal: result.code, chain: [], hsts: null, mustStaple: false, isStapled: false }
  const { socket, staple } = result
  try {
    const chain = chainOf(socket)
    const hsts = await readHsts(endpoint, socket)
    return { refusal: null, chain: chain.map(seenCertificate), hsts, ...lookAtStaple(chain, staple, nowMs) }
  } finally {
    socket.destroy()
  }
}

function lookAtStaple([leaf, issuer]: readonly X509Certificate[], bytes: Uint8Array | undefined, nowMs: number): Pick<Look, 'mustStaple' | 'isStapled' | 'staple' | 'namesResponder'> {
  if (leaf === undefined) return { mustStaple: false, isStapled: bytes !== undefined }
  const seen = { mustStaple: mustStaple(leaf), isStapled: bytes !== undefined, namesResponder: ocspResponder(leaf) !== undefined }
  if (bytes === undefined || issuer === undefined) return seen
  const proof = proveOcspResponse(bytes, { leaf, issuer, nowMs })
  return { ...seen, staple: proof.kind === 'refused' ? proof.reason : proof.kind }
}

/** @returns the header's value in the answer to a request that any server has an answer to, `null` where it has none */
function readHsts({ name, port }: Endpoint, socket: TLSSocket): Promise<string | null> {
  return new Promise((resolve) => {
    let head = ''
    const end = (): void => {
      const lines = (head.split('\r\n\r\n')[0] ?? '').split('\r\n')
      const line = lines.find((each) => each.toLowerCase().startsWith('strict-transport-security:'))
      resolve(line?.slice(line.indexOf(':') + 1).trim() ?? null)
    }
    socket.setTimeout(answerMsMax, end)
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1')
      if (head.includes('\r\n\r\n') || head.length > answerBytesMax) end()
    })
    socket.once('close', end)
    const host = `${name.includes(':') ? `[${name}]` : name}${port === 443 ? '' : `:${port}`}`
    socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
  })
}

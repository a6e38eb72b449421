import { constants } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { addressOf, type Endpoint, handshake } from '@ngome/runtime'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

/** Suites whose key is the server's long-lived one: whoever steals it reads what was recorded for years. */
const staticSuites = 'AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA:@SECLEVEL=0'
/** How long a server may take to send a session ticket after the handshake. */
const ticketMsMax = 1_000

export const ephemeralKeyExchange: Probe<{ readonly listeners: readonly Endpoint[]; readonly authority: string }> = {
  id: 'ephemeral-key-exchange',
  source: import.meta.filename,
  does: 'Looks at the key exchange that each listener negotiates, on a new connection and, where it gives out tickets, on a resumed one, and offers nothing but key exchange with the server\'s long-lived key, which must be refused by the server\'s alert.',
  run: async ({ listeners, authority }) => {
    const groups: string[] = []
    for (const listener of listeners) {
      const result = await look(listener, authority)
      if (typeof result !== 'string') return result
      groups.push(`${listener.name} ${result}`)
    }
    return holds(`${groups.join(', ')}; static key exchange refused by alert`)
  },
}

async function look(listener: Endpoint, authority: string): Promise<string | Verdict> {
  const opened = await handshake(listener, { ca: authority })
  if (opened.kind === 'refused') return fails(`${addressOf(listener)} refuses a handshake (${opened.code})`)
  const group = groupOf(opened.socket)
  const protocol = opened.socket.getProtocol() ?? 'no protocol'
  const session = await ticketOf(opened.socket)
  opened.socket.destroy()
  if (group === undefined) return fails(`${addressOf(listener)} negotiated no ephemeral key (${protocol})`)
  const resumed = session === undefined ? 'gives out no ticket' : await resume(listener, authority, session)
  if (resumed === undefined) return fails(`${addressOf(listener)} resumes a connection without a new ephemeral key`)
  const old = await handshake(listener, { ca: authority, ciphers: staticSuites, maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' })
  if (old.kind === 'refused') {
    // A reset, or a certificate that we do not take, comes as well from a server that would do it.
    if (!old.isAlert) throw new NotReached(`${addressOf(listener)}: static key exchange was not refused, but ended with ${old.code}`)
    return `${group} (${resumed})`
  }
  const cipher = old.socket.getCipher().name
  old.socket.destroy()
  return fails(`${addressOf(listener)} accepts key exchange with its long-lived key (${cipher})`)
}

/** @returns what came of the ticket, or `undefined` where the connection goes on without a new ephemeral key. */
async function resume(listener: Endpoint, authority: string, session: Buffer): Promise<string | undefined> {
  // Resumption by the old secret alone is offered too: what is not offered cannot be accepted (RFC 8446 §4.2.9).
  const again = await handshake(listener, { ca: authority, session, secureOptions: constants.SSL_OP_ALLOW_NO_DHE_KEX })
  if (again.kind === 'refused') throw new NotReached(`${addressOf(listener)}: resumption ended with ${again.code}`)
  const isFresh = groupOf(again.socket) !== undefined
  const isReused = again.socket.isSessionReused()
  again.socket.destroy()
  if (!isFresh) return undefined
  return isReused ? 'resumed with a new key' : 'begins anew in spite of its ticket'
}

/** @returns the negotiated group, hybrid, elliptic or finite-field, or `undefined` where no ephemeral key was used. */
function groupOf(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo() as { type?: string; name?: string; size?: number } | null
  if (info?.type === undefined) return undefined
  return info.name ?? `${info.type} of ${info.size ?? 0} bits`
}

function ticketOf(socket: TLSSocket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve(undefined), ticketMsMax)
    socket.once('session', (session: Buffer) => {
      clearTimeout(limit)
      resolve(session)
    })
    socket.resume()
  })
}

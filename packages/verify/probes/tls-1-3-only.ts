import { oldTlsVersions } from '@ngome/contracts'
import { addressOf, everyCipher, handshake, versionAlert, type Endpoint } from '@ngome/runtime'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'

export const tls13Only: Probe<{ readonly listeners: readonly Endpoint[]; readonly authority: string }> = {
  id: 'tls-1-3-only',
  source: import.meta.filename,
  does: 'Shakes hands with every listener, once in each TLS version: 1.0, 1.1 and 1.2 must be refused by the server\'s alert about the version, 1.3 accepted. Any other end of a handshake proves nothing.',
  run: async ({ listeners, authority }) => {
    for (const listener of listeners) {
      const failure = await offerOldVersions(listener, authority) ?? await offerNewVersion(listener, authority)
      if (failure !== undefined) return failure
    }
    return holds(`${listeners.map(({ name }) => name).join(', ')}: TLS 1.0, 1.1 and 1.2 refused by alert (protocol_version), 1.3 accepted`)
  },
}

async function offerOldVersions(listener: Endpoint, authority: string): Promise<Verdict | undefined> {
  for (const version of oldTlsVersions) {
    const result = await handshake(listener, { ca: authority, minVersion: version, maxVersion: version, ciphers: everyCipher })
    if (result.kind === 'connected') {
      result.socket.destroy()
      return fails(`${addressOf(listener)} accepts ${version}`)
    }
    // Whatever else ends the handshake, such as a reset, a client that cannot offer the version or a cipher that was
    // missed, says nothing of what the server takes from others.
    if (result.code !== versionAlert) {
      throw new NotReached(`${addressOf(listener)}: ${version} was not refused for its version, but ended with ${result.code}`)
    }
  }
  return undefined
}

async function offerNewVersion(listener: Endpoint, authority: string): Promise<Verdict | undefined> {
  const result = await handshake(listener, { ca: authority, minVersion: 'TLSv1.3' })
  if (result.kind === 'refused') return fails(`${addressOf(listener)} refuses TLS 1.3 (${result.code})`)
  const protocol = result.socket.getProtocol()
  result.socket.destroy()
  return protocol === 'TLSv1.3' ? undefined : fails(`${addressOf(listener)} negotiated ${protocol}`)
}

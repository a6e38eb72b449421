import { X509Certificate } from 'node:crypto'
import { addressOf, type Endpoint, handshake } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'

export const realCertificate: Probe<{ readonly gateway: Endpoint; readonly authority: string }> = {
  id: 'real-certificate',
  source: import.meta.filename,
  does: 'Shakes hands with the public API and verifies its certificate; then as a client that trusts nobody we know, which must fail: encryption without a verified end is encryption to anyone.',
  run: async ({ gateway, authority }) => {
    const known = await handshake(gateway, { ca: authority })
    if (known.kind === 'refused') return fails(`${addressOf(gateway)}: its certificate is not of ca.pem (${known.code})`)
    const { socket } = known
    const certificate = socket.getPeerX509Certificate()
    const cipher = socket.getCipher().name
    socket.destroy()
    const stranger = await handshake(gateway, {})
    if (stranger.kind === 'connected') stranger.socket.destroy()
    const isPublic = stranger.kind === 'connected' ? ', trusted by the system too' : ''
    if (certificate === undefined) return fails(`${addressOf(gateway)} sent no certificate`)
    if (new X509Certificate(certificate.raw).ca) return fails('the public API shows the authority\'s own certificate')
    return holds(`${addressOf(gateway)}: ${cipher}, certificate of ${certificate.subjectAltName ?? 'no name'}, until ${certificate.validTo}${isPublic}`)
  },
}

import type { JsonValue } from '@ngome/kernel'
import { createTlsServer, listen, type RunningServer, type TlsServerOptions } from './tls-server.ts'

/** A token, a certificate request and a public key are some two kilobytes. */
const bodyBytesMax = 8192

/**
 * Serves `POST /v1/enrol` and nothing else, on a port of its own, to clients that cannot have a certificate yet. It is
 * apart from {@link internalServer} so that there nobody is ever without one.
 * @param handle answers an enrolment; what it takes is the one-time token in the body
 */
export async function enrolmentServer(
  options: TlsServerOptions & {
    readonly handle: (body: JsonValue | undefined) => Promise<unknown>
    /** Is told of a call to any other path, before it is refused; what it throws is answered instead. */
    readonly onUnknownPath?: (path: string) => Promise<void>
  },
): Promise<RunningServer> {
  const app = createTlsServer(options, false)
  app.addHook('onRequest', async (request) => {
    if (request.is404) await options.onUnknownPath?.(request.url)
  })
  app.post('/v1/enrol', {
    bodyLimit: bodyBytesMax,
    handler: async (request) => options.handle(request.body as JsonValue | undefined),
  })
  return listen(app, options)
}

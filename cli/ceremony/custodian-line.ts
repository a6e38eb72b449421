import { connect, type Socket } from 'node:net'
import { ceremonyAnswer, ceremonyLineBytesMax, type CeremonyAnswer, type CeremonyRequest } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'

const answerMsMax = 30_000

export type StateAnswer = Extract<CeremonyAnswer, { type: 'state' }>

/** A conversation with a custodian that waits for its root key, over the Unix socket in its folder. */
export class CustodianLine {
  readonly #socket: Socket
  readonly #answers: AsyncIterator<CeremonyAnswer, undefined>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#answers = answersOf(socket)
  }

  /** @returns the conversation, with the state that the custodian opens it with. @throws Fault `launcher/failed` */
  static async open(path: string): Promise<{ readonly line: CustodianLine; readonly state: StateAnswer }> {
    const socket = connect(path)
    socket.setTimeout(answerMsMax, () => socket.destroy(new Error('no answer in time')))
    const line = new CustodianLine(socket)
    try {
      const state = await line.#answer()
      if (state.type !== 'state') throw new Fault('launcher/failed', 'who answers at the ceremony\'s socket is not the custodian')
      return { line, state }
    } catch (cause) {
      line.close()
      throw cause
    }
  }

  /** @throws Fault `launcher/failed` where the custodian goes away */
  async ask(request: CeremonyRequest): Promise<CeremonyAnswer> {
    // From here on a step takes as long as a holder does; the custodian bounds it.
    this.#socket.setTimeout(0)
    this.#socket.write(`${JSON.stringify(request)}\n`)
    return this.#answer()
  }

  close(): void {
    this.#socket.destroy()
  }

  async #answer(): Promise<CeremonyAnswer> {
    try {
      const { done, value } = await this.#answers.next()
      if (done !== true) return value
    } catch (cause) {
      throw new Fault('launcher/failed', whyNot((cause as NodeJS.ErrnoException).code), { cause })
    }
    throw new Fault('launcher/failed', 'the custodian ended the conversation: begin again')
  }
}

function whyNot(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return 'the ceremony is for root, or the user that the custodian runs as'
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return noCustodian
  return 'the custodian cannot be understood'
}

const noCustodian = 'no custodian waits for shares here: it has its root key already, or does not run, or runs without NGOME_ROOT_KEY=shares; with --rotate: it has no root key yet, or replaces it right now'

async function* answersOf(socket: Socket): AsyncGenerator<CeremonyAnswer, undefined> {
  let rest = ''
  for await (const chunk of socket.setEncoding('utf8')) {
    rest += String(chunk)
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield ceremonyAnswer.parse(JSON.parse(rest.slice(0, end)))
      rest = rest.slice(end + 1)
    }
    if (rest.length > ceremonyLineBytesMax) throw new Error('an answer without end')
  }
  return undefined
}

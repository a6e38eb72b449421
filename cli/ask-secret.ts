import type { ReadStream } from 'node:tty'
import { Secret } from '@ngome/kernel'
import { Misuse } from './command.ts'

const charactersMax = 1_024
const [enter, newline, interrupt, endOfInput, backspace, erase] = ['\r', '\n', '\u0003', '\u0004', '\u007f', '\b']

/**
 * Asks for a secret at the terminal, which shows nothing of what is typed.
 * @throws Misuse where there is no terminal, or the person gives up
 */
export function askSecret(
  input: Pick<ReadStream, 'isTTY' | 'setRawMode' | 'resume' | 'pause' | 'on' | 'off' | 'setEncoding'>,
  output: { write(text: string): unknown }, question: string,
): Promise<Secret<string>> {
  if (!input.isTTY) return Promise.reject(new Misuse(`"${question}" is asked at a terminal, and there is none`))
  output.write(`${question}: `)
  input.setRawMode(true)
  input.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    let typed = ''
    const end = (settle: () => void): void => {
      input.off('data', onData)
      input.setRawMode(false)
      input.pause()
      output.write('\n')
      settle()
    }
    const onData = (text: string): void => {
      for (const character of text) {
        if (character === enter || character === newline) return end(() => resolve(new Secret(typed)))
        if (character === interrupt || character === endOfInput) return end(() => reject(new Misuse('nothing was given')))
        if (character === backspace || character === erase) typed = typed.slice(0, -1)
        else if (typed.length < charactersMax) typed += character
      }
    }
    input.on('data', onData)
    input.resume()
  })
}

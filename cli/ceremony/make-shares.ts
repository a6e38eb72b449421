import type { CeremonyAnswer } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { newBoxKey, openBox } from '@ngome/runtime'
import { CustodianLine } from './custodian-line.ts'
import { refusalTexts } from './refusals.ts'
import { assertNoFile, type Terminal } from './terminal.ts'

/**
 * Has the custodian make its root key, and shows each holder his share, alone. The command never has two of them, and the
 * custodian keeps none: a set of which a share was not taken down was never made.
 * @throws Fault `launcher/failed`
 */
export async function makeShares(
  path: string, wish: { readonly shares: number; readonly threshold: number },
  { terminal, isRotation }: { readonly terminal: Terminal; readonly isRotation: boolean },
): Promise<void> {
  assertNoFile()
  const key = newBoxKey()
  const { line } = await CustodianLine.open(path)
  try {
    let answer = await line.ask({ type: 'make', ...wish, to: key.publicText })
    for (; answer.type === 'share'; answer = await line.ask({ type: 'next' })) await showShare(answer, key, terminal)
    if (answer.type === 'refused') throw new Fault('launcher/failed', refusalTexts[answer.reason])
    if (answer.type !== 'made') throw new Fault('launcher/failed', refusalTexts.not_understood)
    terminal.say(isRotation
      ? `The set ${answer.set} is made. It becomes the root key's when ${wish.threshold} of its ${wish.shares} holders have shown that they have it.`
      : `The set ${answer.set} is made, and the root key dropped: ${wish.threshold} of the ${wish.shares} holders bring it back with "ngome keys ceremony".`)
  } finally {
    line.close()
  }
}

async function showShare(
  { number, of, sealed }: Extract<CeremonyAnswer, { type: 'share' }>, key: ReturnType<typeof newBoxKey>, terminal: Terminal,
): Promise<void> {
  terminal.say(`Holder ${number} of ${of}: press Enter when you are alone with the screen.`)
  await terminal.enter()
  const text = openBox(key, sealed)
  if (text === undefined) throw new Fault('launcher/failed', refusalTexts.not_understood)
  try {
    terminal.show(text)
  } finally {
    text.fill(0)
  }
  terminal.say('This is your share. Write it down; keep it where no other share is. Press Enter, and it is cleared.')
  await terminal.enter()
  terminal.clear()
}

import type { DestructionCertificate, RootKind } from '@ngome/contracts'

type Meaning = Pick<DestructionCertificate, 'root_kind' | 'meaning' | 'proven' | 'not_proven'>

/** What became of the root that wrapped the destroyed keys, what follows, and who could still have a copy of it. */
const meanings: Readonly<Record<RootKind, { readonly meaning: string; readonly proven: string; readonly notProven: string }>> = {
  file: {
    meaning: 'The root key that wrapped the destroyed keys was an unprotected file. The custodian overwrote and removed '
      + 'it. A copy of that file taken earlier, in a backup, a snapshot or a file system\'s journal, together with a backup of '
      + 'the custodian\'s store of that time, still opens what was sealed to these keys: destroy such copies.',
    proven: 'The file of the former root key was overwritten in its place and removed.',
    notProven: 'That no copy of the former root key\'s file is left anywhere.',
  },
  hsm: {
    meaning: 'The root key that wrapped the destroyed keys was made in a hardware module, could never be taken out of it, and '
      + 'was destroyed there. Without a clone of that module, no backup of the database and of the custodian opens the '
      + 'records that were sealed to these keys.',
    proven: 'The hardware module was told to destroy the former root key, and showed none of its id afterwards.',
    notProven: 'That no clone or backup of the hardware module, made with its vendor\'s means before, still holds the former '
      + 'root key: destroy it there as well.',
  },
  shares: {
    meaning: 'The root key that wrapped the destroyed keys was in no place but the custodian\'s memory and its holders\' '
      + 'shares. The custodian wiped it, and deleted what proves shares of the former set. A quorum of holders who kept '
      + 'their former shares, together with a backup of the custodian\'s store of that time, still opens what was sealed to '
      + 'these keys: collect the former shares and destroy them.',
    proven: 'A quorum of holders has shown the new shares before the former root key went; its check value is deleted.',
    notProven: 'That the holders have destroyed the shares of the former set.',
  },
}

const always = {
  proven: [
    'Since deleted_at no opening with one of these keys was admitted: each is held against the record of destroyed keys in its own transaction.',
    'Every key that is left was wrapped under the new root; a fresh backup of the store was opened beside it, and gave all of them under the new root alone.',
  ],
  notProven: ['That nobody kept what was opened with these keys before deleted_at.'],
} as const

const ofTwin = 'Data keys that the other custodian had at hand had ended before issued_at.'

/** What a certificate says in words: whoever relies on it must know what it does not say. */
export function destructionMeaning(kind: RootKind, { hasTwin }: { readonly hasTwin: boolean }): Meaning {
  const { meaning, proven, notProven } = meanings[kind]
  return {
    root_kind: kind, meaning, proven: [...always.proven, ...(hasTwin ? [ofTwin] : []), proven],
    not_proven: [...always.notProven, notProven],
  }
}

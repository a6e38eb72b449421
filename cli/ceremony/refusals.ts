import type { CeremonyRefusal } from '@ngome/contracts'

/** What a holder, or who leads the ceremony, can do. */
export const refusalTexts: Readonly<Record<CeremonyRefusal, string>> = {
  malformed: 'that is not a share as it was printed: 72 letters and digits in 12 groups. Compare it, and type it again',
  other_version: 'that share was made by another version of Ngome. Bring the one of the last ceremony',
  other_set: 'that share is of another set than this custodian\'s. Bring the one of the last ceremony',
  repeated: 'that share was entered already. Another holder is needed',
  wrong_root: 'these shares do not make the root key, and all of them were dropped. Begin again, each holder with his own',
  not_made: 'this custodian has no shares yet. Make them: ngome keys ceremony --init --shares 3 --threshold 2',
  already_made: 'this custodian has its shares. New ones are made while it runs: ngome keys ceremony --rotate --shares N --threshold K',
  busy: 'another ceremony is under way. Wait for its end',
  not_understood: 'the custodian did not understand. Is it of the same version as this command?',
  failed: 'the custodian could not do it; its log says why',
}

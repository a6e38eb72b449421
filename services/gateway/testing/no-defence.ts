import type { Defence } from '../http/defence.ts'

/** Keeps nobody away, for tests of something else. */
export const noDefence: Defence = {
  isBanned: () => false, isTrusted: () => true, onMisdeed: () => undefined, onCut: () => undefined, onConnectionRefused: () => undefined,
}

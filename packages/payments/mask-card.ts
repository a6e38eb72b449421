/** The mask of a card, from its last four digits. */
export function maskCard(lastFour: string): string {
  return `•••• ${lastFour}`
}

/** Whether a movement's mask is a card's: a phone's has three dots and no space. */
export function isCardMask(masked: string): boolean {
  return /^•••• [0-9]{4}$/.test(masked)
}

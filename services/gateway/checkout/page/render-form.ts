import { escapeHtml as text } from '../../http/escape-html.ts'
import type { Language, Messages } from '../messages/messages.ts'
import type { OfferedNetwork } from '../offered-networks.ts'

/** The longest that a number takes, with its spaces. */
const phoneLengthMax = 30

/** What was wrong with a form; what was typed comes back only as its sender typed it. */
export type FormFault = { readonly about: 'phone' | 'network' | 'form'; readonly message: string; readonly network?: string; readonly phone?: string }

/** The form: works without a script, and needs no cookie, since its address is all that it may act for. */
export function renderForm({ say, language, networks, amount, nextTry, fault }: {
  readonly say: Messages
  readonly language: Language
  readonly networks: readonly OfferedNetwork[]
  readonly amount: string
  readonly nextTry: number
  readonly fault: FormFault | undefined
}): string {
  const codes = new Set(networks.map(({ callingCode }) => callingCode))
  const [code] = codes.size === 1 ? codes : []
  const isWrong = fault?.about === 'phone'
  const described = isWrong ? 'phone-error phone-hint' : 'phone-hint'
  return `${fault?.about === 'form' ? `<p class="notice" role="alert">${text(fault.message)}</p>\n` : ''}<form method="post" accept-charset="utf-8">
<input type="hidden" name="try" value="${nextTry}">
<input type="hidden" name="lang" value="${language}">
${choices(say, networks, fault)}
<label class="label" for="phone">${text(say.phoneLabel)}${code === undefined ? '' : ` <small class="hint">+${text(code)}</small>`}</label>
<input id="phone" name="phone" type="tel" inputmode="tel" autocomplete="tel" required maxlength="${phoneLengthMax}" aria-describedby="${described}"${isWrong ? ' aria-invalid="true" autofocus' : ''}${fault?.phone === undefined ? '' : ` value="${text(fault.phone)}"`}>
${isWrong ? `<p class="error" id="phone-error" role="alert">${text(fault.message)}</p>\n` : ''}<p class="hint" id="phone-hint">${text(say.phoneHint)}</p>
<button data-busy="${text(say.asking)}">${text(say.pay(amount))}</button>
<p class="secret">${text(say.pinWarning)}</p>
</form>
`
}

function choices(say: Messages, networks: readonly OfferedNetwork[], fault: FormFault | undefined): string {
  const [only] = networks
  if (only !== undefined && networks.length === 1) {
    return `<p class="one"><span class="label">${text(say.networkLabel)}</span> ${text(only.label)}<input type="hidden" name="network" value="${text(only.name)}"></p>`
  }
  return `<fieldset>
<legend>${text(say.networkLabel)}</legend>
${networks.map(({ name, label, callingCode }) => `<label class="choice"><input type="radio" name="network" value="${text(name)}" required${fault?.network === name ? ' checked' : ''}><span>${text(label)}</span> <small>+${text(callingCode)}</small></label>`).join('\n')}
${fault?.about === 'network' ? `<p class="error" role="alert">${text(fault.message)}</p>\n` : ''}</fieldset>`
}

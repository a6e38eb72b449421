/**
 * The one script, for browsers that run it; without it the page asks again by itself too. It asks how things stand, ever more slowly
 * and at once when somebody comes back to the page, and shows a button that was pressed as pressed.
 */
export const pageScript = `
(function () {
  var body = document.body, form = document.querySelector('form'), wait = 2000, timer, left = 150
  addEventListener('pageshow', function (event) { if (event.persisted) location.reload() })
  if (form) form.addEventListener('submit', function () {
    var button = form.querySelector('button')
    setTimeout(function () { button.disabled = true; button.textContent = button.getAttribute('data-busy') })
  })
  if (body.getAttribute('data-state') !== 'processing') return
  function later() {
    clearTimeout(timer)
    if (left-- > 0) timer = setTimeout(ask, wait)
    wait = Math.min(wait * 1.4, 15000)
  }
  function ask() {
    if (document.hidden) return later()
    fetch(location.pathname + '/state').then(function (answer) { return answer.ok ? answer.json() : {} }).then(function (said) {
      if (said.state && said.state !== 'processing') location.reload()
      else later()
    }).catch(later)
  }
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { wait = 2000; later() } })
  later()
})()
`

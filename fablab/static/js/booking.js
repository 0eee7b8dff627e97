// The booking form: another day, hour or machine asks the server at once how that stands, as the
// button `Check` does. Without this module one presses the button.

const SETTLED = 600 // ms without another change: arrows and digits change a field step by step

const form = document.querySelector("form[data-check-on-change]")
const check = form?.querySelector('button[name="check"]')
const asked = form?.dataset.checkOnChange.split(" ") ?? []
let timer

form?.addEventListener("change", (event) => {
  if (!asked.includes(event.target.name)) return
  clearTimeout(timer)
  timer = setTimeout(() => {
    // Where the focus is to be on the page that answers.
    const focused = form.contains(document.activeElement) ? document.activeElement : event.target
    form.elements.focused.value = focused.name
    form.requestSubmit(check)
  }, SETTLED)
})

// Whoever confirms meanwhile is not overtaken.
form?.addEventListener("submit", () => clearTimeout(timer))

// Small comforts of every page. Without scripts, everything still works.
import "./copy-button.js"

const root = document.documentElement
root.classList.add("js")

// The chosen look is kept in a cookie, so that the server draws the next page in it at once.
const A_YEAR = 365 * 24 * 3600

function isDark() {
  return root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark"
  const secure = location.protocol === "https:" ? "; secure" : ""
  root.dataset.theme = theme
  document.cookie = `theme=${theme}; path=/; max-age=${A_YEAR}; samesite=lax${secure}`
}

for (const button of document.querySelectorAll("[data-theme-button]")) {
  button.addEventListener("click", switchTheme)
}

// A choice that needs no button: the form is sent when it changes (its button is hidden by .js).
for (const form of document.querySelectorAll("form[data-send-on-change]")) {
  form.addEventListener("change", () => form.requestSubmit())
}

// Sections that do not fit a narrow screen: begin at the one that is open.
for (const menu of document.querySelectorAll(".menu")) {
  const open = menu.querySelector("[aria-current]")
  if (open) menu.scrollLeft = open.offsetLeft - (menu.clientWidth - open.offsetWidth) / 2
}

// After a refusal the first thing to read is why.
document.getElementById("refusal")?.focus()

// The day board: takes the news every minute without loading the page anew. The pause button stops
// it (WCAG 2.2.2), and it never replaces what somebody is using or about to press.
//
// Replaced: .board, and what .board-head says but for its tools. Without this module: reload.

const EVERY = 60_000 // ms
const HEAD = ["h1", "p", ".board-head__clock", ".board-head__counts"]
const PARTS = [".board", ...HEAD.map((part) => `.board-head ${part}`)]
const pause = document.querySelector("[data-pause]")
let isPaused = false

pause?.addEventListener("click", () => {
  isPaused = !isPaused
  pause.setAttribute("aria-pressed", String(isPaused))
  pause.querySelector("span").textContent = isPaused ? pause.dataset.resume : pause.dataset.freeze
})

const isBusy = () => isPaused || document.hidden || document.activeElement?.closest(".board")

async function news() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } })
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status))
  return new DOMParser().parseFromString(await answer.text(), "text/html")
}

async function refresh() {
  if (isBusy()) return
  try {
    const page = await news()
    if (isBusy()) return
    for (const part of PARTS) {
      document.querySelector(part).replaceWith(page.querySelector(part))
    }
    document.querySelector(".flashes")?.remove() // what was done is a minute ago
    showStale(false)
  } catch {
    showStale(true)
  }
}

/** No news: the hour turns grey and the time of the last news is said. */
function showStale(isStale) {
  document.querySelector(".board-head").classList.toggle("board-head--stale", isStale)
}

setInterval(refresh, EVERY)

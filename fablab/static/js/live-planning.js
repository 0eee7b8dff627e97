// <live-planning>: brings what others book into the planning that is open, without loading it anew.
//
// Every now and then it asks whether anything happened, which costs next to nothing, and fetches
// the page only when the day is not the one shown any more. Rows and cards that did not change are left alone, and
// so are the focus, the scroll and whatever is being dragged. Its button stops it (WCAG 2.2.2); it
// also rests while the page is hidden. Without this module: reload.
//
// It comes before planning.js, to see the rows as the server drew them.

const EVERY = 20_000 // ms
const BUSY = 1_000 // ms: how long to wait for a drag, or a range chosen by keys, to end
const AROUND = [".my-day", ".chips"] // what else the page says of the day

const inDocument = (selector, root = document) => [...root.querySelectorAll(selector)]
const PLAN = ".plan, .week"
const rowsOf = (root) => inDocument(":is(.plan, .week) tbody tr:has(a)", root)
const cardsOf = (root) => inDocument(".machine-list .machine-card", root)
const machineOf = (element) => element.querySelector("a[href]").pathname
const nameOf = (element) => element.querySelector("b, h3").textContent.trim()
const isFilled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name])

/** What is taken on a row, in words, of a week in strips: what differs is news, unlike free time
 *  that has passed. */
function taken(row) {
  const cells = ".booking .hidden-text, .block--outage .hidden-text, .block--hire .hidden-text"
  const strips = ".strip__part:not(.strip__part--past, .strip__part--closed, .strip__part--barred, .strip__part--reserved)"
  const drawn = inDocument(strips, row).map((part) => part.outerHTML)
  return inDocument(cells, row).map((cell) => cell.textContent).concat(drawn).join("|")
}

/** A link that can be told again in another drawing of the same row. */
function sameLink(link, root) {
  const all = inDocument("a", root)
  return all.find((one) => one.href === link.href)
    ?? all.find((one) => one.dataset.start && one.dataset.start === link.dataset.start)
    ?? all[0]
}

/** Put `fresh` in the place of `old`; who was on a link of it stays there. */
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null
  old.replaceWith(fresh)
  if (focused) sameLink(focused, fresh)?.focus({ preventScroll: true })
}

class LivePlanning extends HTMLElement {
  #version = "" // of the day that is shown
  #etag = "" // of the last answer
  #drawn = new Map() // element → its markup as the server drew it
  #timer = 0
  #seenAt = new Date()
  #isPaused = false
  #isOffline = false

  connectedCallback() {
    this.#version = this.dataset.version
    for (const one of [...rowsOf(document), ...cardsOf(document)]) this.#drawn.set(one, one.outerHTML)
    this.querySelector("button").addEventListener("click", () => this.#pause())
    document.addEventListener("visibilitychange", () => this.#look())
    addEventListener("online", () => this.#look())
    addEventListener("offline", () => this.#lost())
    addEventListener("pageshow", (event) => event.persisted && this.#look())
    this.#wait(EVERY)
  }

  #wait(time) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), time)
  }

  #pause() {
    const button = this.querySelector("button")
    button.dataset.pause ??= button.textContent
    this.#isPaused = !this.#isPaused
    button.setAttribute("aria-pressed", String(this.#isPaused))
    button.textContent = this.#isPaused ? this.dataset.resume : button.dataset.pause
    this.#show(this.#isPaused ? this.dataset.sayPaused : this.dataset.sayLive)
    this.#look()
  }

  async #look() {
    clearTimeout(this.#timer)
    if (this.#isPaused || document.hidden) return
    try {
      if (await this.#hasChanged()) return await this.#refresh()
      this.#found()
    } catch {
      this.#lost()
    }
    this.#wait(EVERY)
  }

  async #hasChanged() {
    const headers = this.#etag ? { "If-None-Match": this.#etag } : {}
    const asked = { headers, cache: "no-store", credentials: "omit" }
    const answer = await fetch(this.dataset.versionUrl, asked)
    if (answer.status === 304) return false
    if (!answer.ok) throw new Error(String(answer.status))
    const isOther = (await answer.text()) !== this.#version
    this.#etag = isOther ? "" : answer.headers.get("ETag") // asked anew once the page is here
    return isOther
  }

  async #refresh() {
    const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } })
    if (!answer.ok) throw new Error(String(answer.status))
    const page = new DOMParser().parseFromString(await answer.text(), "text/html")
    if (this.#isPaused) return
    if (document.querySelector(".plan[data-busy]")) return this.#wait(BUSY)
    const live = page.querySelector("live-planning")
    if (!live) return location.reload() // closed since, or the filter lets nothing through
    this.#version = live.dataset.version
    this.#say(this.#bring(page))
    this.#found()
    this.#wait(EVERY)
  }

  /** Bring in what differs on `page`; the names of the machines on which something was taken or
   *  given back. */
  #bring(page) {
    const before = new Map(rowsOf(document).map((row) => [machineOf(row), taken(row)]))
    const plan = document.querySelector(PLAN)
    const fresh = page.querySelector(PLAN)
    const news = rowsOf(page).filter((row) => before.get(machineOf(row)) !== taken(row)).map(nameOf)
    const isSame = ["first", "last", "step"].every((name) => plan.dataset[name] === fresh.dataset[name])
    if (!isSame || !this.#each(rowsOf, page)) this.#whole(plan, fresh)
    if (!this.#each(cardsOf, page)) {
      replace(document.querySelector(".machine-list"), page.querySelector(".machine-list"))
    }
    for (const selector of AROUND) {
      const [old, other] = [document, page].map((root) => root.querySelector(selector))
      if (old && other && old.outerHTML !== other.outerHTML) replace(old, other)
    }
    plan.dispatchEvent(new CustomEvent("planning:brought"))
    return news
  }

  /** Each row or card for itself; false, and nothing done, when there are others than before. */
  #each(found, page) {
    const [old, fresh] = [found(document), found(page)]
    const isSame = old.length === fresh.length
      && old.every((one, n) => machineOf(one) === machineOf(fresh[n]))
    if (!isSame) return false
    old.forEach((one, n) => {
      const drawn = fresh[n].outerHTML
      if (this.#drawn.get(one) === drawn) return
      this.#drawn.delete(one)
      replace(one, fresh[n])
      this.#drawn.set(fresh[n], drawn)
    })
    return true
  }

  /** The hours shown are others, or the machines. */
  #whole(plan, fresh) {
    Object.assign(plan.dataset, fresh.dataset)
    for (const part of ["table", ".plan__ground", ".plan__now"]) {
      const [old, other] = [plan, fresh].map((root) => root.querySelector(part))
      if (old && other) replace(old, other)
    }
  }

  #found() {
    this.#seenAt = new Date()
    if (!this.#isOffline) return
    this.#isOffline = false
    this.classList.remove("live--offline")
    this.#show(this.dataset.sayLive)
    this.#announce(this.dataset.sayBack)
  }

  #lost() {
    if (this.#isOffline || this.#isPaused) return
    this.#isOffline = true
    this.classList.add("live--offline")
    this.#announce(this.#show(this.dataset.sayOffline))
  }

  #show(text) {
    const lamp = this.#isPaused || this.#isOffline ? "stopped" : "free"
    this.querySelector(".lamp").className = `lamp lamp--${lamp} lamp--small`
    const said = isFilled(text, { hour: this.#hour() })
    this.querySelector("[data-state]").textContent = said
    return said
  }

  #say(machines) {
    if (machines.length) {
      this.#announce(isFilled(this.dataset.sayChanged, { machines: machines.join(", ") }))
    }
  }

  #announce(text) {
    document.getElementById("announce").textContent = text
  }

  /** When this planning was last known to be true, by the place's clock. */
  #hour() {
    const { zone } = document.querySelector(PLAN).dataset
    const clock = { timeZone: zone, hour: "numeric", minute: "2-digit", hourCycle: "h23" }
    return new Intl.DateTimeFormat("fr", clock).format(this.#seenAt)
  }
}

customElements.define("live-planning", LivePlanning)

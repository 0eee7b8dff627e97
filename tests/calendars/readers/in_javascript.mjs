// ical.js reads the calendars at the addresses given; what it finds, as JSON: see in_python.py.
import ICAL from "../../vendor/ical.js-2.2.1/ical.min.js"

const plain = (time) =>
  time.isDate ? time.toString() : time.toJSDate().toISOString().replace(".000Z", "+00:00")

async function read(url) {
  const answer = await fetch(url)
  const calendar = new ICAL.Component(ICAL.parse(await answer.text()))
  const events = calendar.getAllSubcomponents("vevent").map((each) => new ICAL.Event(each))
  return Object.fromEntries(
    events.map((event) => [event.uid, [event.summary, plain(event.startDate), plain(event.endDate)]]),
  )
}

const urls = process.argv.slice(2)
const found = await Promise.all(urls.map(async (url) => [url, await read(url)]))
process.stdout.write(JSON.stringify(Object.fromEntries(found)))

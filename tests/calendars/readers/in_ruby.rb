# icalendar reads the calendars at the addresses given; what it finds, as JSON: see in_python.py.
require "icalendar"
require "json"
require "net/http"
require "stringio"

def plain(value)
  value.is_a?(Icalendar::Values::Date) ? value.strftime("%F") : value.to_time.utc.strftime("%FT%T+00:00")
end

found = ARGV.to_h do |url|
  text = Net::HTTP.get(URI(url)).force_encoding("UTF-8")
  events = Icalendar::Calendar.parse(text).first.events
  [url, events.to_h { |event| [event.uid.to_s, [event.summary.to_s, plain(event.dtstart), plain(event.dtend)]] }]
end
puts JSON.generate(found)

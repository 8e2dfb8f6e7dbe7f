-- lib/event: writes an event for the sinks. The stream keeps the newest 100,000 or so, a few hundred bytes each.
local function announce(events, event)
  redis.call('XADD', events, 'MAXLEN', '~', 100000, '*', 'event', event)
end

-- sinks/lags: returns how far each sink is behind the events.
-- KEYS  1 events
-- Returns {sink, events that it has not handled, ms since the oldest of those, how many were trimmed unread} of each.
-- Invariant: it changes nothing. Cost: two commands, and two for each sink.
-- use lib/stream
-- use lib/time
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
local stream, lags = reading(KEYS[1]), {}
local now = now_ms()
for name, group in pairs(stream.groups) do
  local read = group['entries-read'] or stream.removed
  local trimmed = math.max(0, stream.removed - read)
  local unread = stream.removed + stream.length - math.max(read, stream.removed)
  local oldest = group['pending'] > 0 and redis.call('XPENDING', KEYS[1], name)[2]
  if not oldest and unread > 0 then
    local entry = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)[1]
    oldest = entry and entry[1]
  end
  local age = oldest and math.max(0, now - tonumber(string.match(oldest, '^%d+'))) or 0
  lags[#lags + 1] = { name, unread + group['pending'], age, trimmed }
end
return lags

-- sinks/follow: delivers the next events to a sink; those it got and did not acknowledge come first.
-- KEYS  1 events  2 holder of the sink
-- ARGV  1 sink, which is also its group and its only consumer  2 the caller's process  3 its claim in ms  4 the most
-- Returns {'none'} when there is no stream yet, {'held', process} when another process serves the sink, else
--         {'events', how many were trimmed before the sink had them, the stream's last entry, {{entry, event}...}}.
-- Invariant: an event is delivered until it is acknowledged, or counted once as trimmed. The group begins with the
-- stream. Twice is harmless: the second call delivers the same. Cost: eight commands at most, and the events.
-- use lib/stream
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'none' }
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then
  return { 'held', holder }
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
local stream = reading(KEYS[1])
local group = stream.groups[ARGV[1]]
if not group then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'ENTRIESREAD', 0)
  group = { ['last-delivered-id'] = '0-0', ['entries-read'] = 0 }
end
local trimmed = math.max(0, stream.removed - (group['entries-read'] or stream.removed))
if trimmed > 0 then -- as if they had been read, which newer servers do themselves
  redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], group['last-delivered-id'], 'ENTRIESREAD', stream.removed)
end
local found = {}
for _, from in ipairs({ '0', '>' }) do
  local answer = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[1], 'COUNT', ARGV[4], 'STREAMS', KEYS[1], from)
  for _, item in ipairs(answer and answer[1][2] or {}) do
    if item[2] then
      found[#found + 1] = { item[1], item[2][2] }
    else -- it was trimmed before it was acknowledged
      redis.call('XACK', KEYS[1], ARGV[1], item[1])
      trimmed = trimmed + 1
    end
  end
  if #found > 0 then
    break
  end
end
return { 'events', trimmed, stream.last, found }

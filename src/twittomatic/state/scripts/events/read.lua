-- events/read: reads the events after a position, without a consumer group.
-- KEYS  1 events
-- ARGV  1 the last entry before the position  2 how many entries were added up to it  3 the most events
-- Returns {how many were trimmed since the position, how many were added up to the last event, {entry, event}...}.
-- Invariant: it changes nothing. Cost: four commands at most, and the events.
-- use lib/stream
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 0, tonumber(ARGV[2]), {} }
end
local removed = reading(KEYS[1]).removed
local trimmed = math.max(0, removed - ARGV[2])
local found = {}
for _, item in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[3])) do
  found[#found + 1] = { item[1], item[2][2] }
end
return { trimmed, ARGV[2] + trimmed + #found, found }

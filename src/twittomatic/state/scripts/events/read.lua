-- events/read: the next events behind a place, which nobody has to acknowledge.
-- KEYS  1 events
-- ARGV  1 the last entry before the place  2 how many were added until then  3 the most
-- Returns {how many were trimmed since the place, how many were added until the last event, {entry, event}...}.
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

-- crawl/set_phase: pauses or resumes a crawl.
-- KEYS  1 crawl hash   2 events
-- ARGV  1 `paused` or `running`   2 reason   3 until (RFC 3339 or '')   4 on whose behalf: `user` or `network`
--       5 the event (JSON)   6 options of the crawl (JSON) that the caller works with, '' to accept any
-- Returns the present phase, '' where there is no crawl, and `other` where a master has given it other options. A
-- finished crawl stays finished, and a paused one keeps its first reason. Twice is harmless. Cost: constant.
-- use lib/event
local phase, options = unpack(redis.call('HMGET', KEYS[1], 'phase', 'options'))
if not phase then
  return ''
end
if ARGV[6] ~= '' and options ~= ARGV[6] then
  return 'other'
end
if phase == 'finished' or phase == ARGV[1] then
  return phase
end
redis.call('HSET', KEYS[1], 'phase', ARGV[1], 'reason', ARGV[2], 'until', ARGV[3], 'paused_by', ARGV[4])
announce(KEYS[2], ARGV[5])
return ARGV[1]

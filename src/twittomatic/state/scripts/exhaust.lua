-- exhaust: the network says that a window is empty, whatever we counted.
-- KEYS  1 window  2 clock of the network
-- ARGV  1 when it opens anew, in ms of the network's clock, and 2 what that clock said, '' for each if unknown
--       3 ms since that was said  4 ms to wait if unknown
-- Returns the ms until then, a second at least: one that is past by our clock is not by the network's.
-- Twice is harmless. Cost: constant.
-- use reset
local limit = redis.call('HGET', KEYS[1], 'limit') or 1
local now = now_ms()
local at = ARGV[1] ~= '' and opens(KEYS[2], ARGV[1], ARGV[2], ARGV[3]) or now + tonumber(ARGV[4])
at = math.max(at, now + (ARGV[1] ~= '' and 1000 or 0))
redis.call('HSET', KEYS[1], 'limit', limit, 'used', limit, 'reset', string.format('%d', at))
return at - now

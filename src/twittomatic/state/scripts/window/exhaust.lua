-- window/exhaust: marks a window as empty because the network said so, whatever was counted here.
-- KEYS  1 window  2 clock of the network
-- ARGV  1 reservation of the request that the network refused
--       2 when the window opens again, in ms of the network's clock, and 3 the time of that clock, '' for each if unknown
--       4 ms since that clock was read  5 ms to wait if unknown; less if answers have named an earlier reset
-- Returns the ms until then: a second at least, and more after several refusals in a row.
-- Twice is harmless. Cost: constant.
-- use lib/window
-- use lib/gate
local limit, reset, guessed = unpack(redis.call('HMGET', KEYS[1], 'limit', 'reset', 'guessed'))
limit = limit or 1
local now = now_ms()
local at = ARGV[2] ~= '' and opens(KEYS[2], ARGV[2], ARGV[3], ARGV[4])
if not at then
  at = now + tonumber(ARGV[5])
  if guessed == '0' and tonumber(reset) > now then
    at = math.min(at, tonumber(reset))
  end
end
at = shut(KEYS[1], ARGV[1], at, now)
redis.call('HSET', KEYS[1], 'limit', limit, 'used', limit, 'reset', string.format('%d', at))
return at - now

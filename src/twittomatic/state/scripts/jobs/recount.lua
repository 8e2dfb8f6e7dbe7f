-- jobs/recount: counts the dead or delayed jobs by module again, after something else than a script changed them.
-- KEYS  1 dead or delayed
-- Returns module, count of each. Twice is harmless. Cost: linear, once.
local kind = redis.call('TYPE', KEYS[1]).ok
local names = kind == 'hash' and redis.call('HKEYS', KEYS[1]) or kind == 'zset' and redis.call('ZRANGE', KEYS[1], 0, -1)
local counts = {}
for _, name in ipairs(names or {}) do
  local module = string.match(name, '^%a+')
  counts[module] = (counts[module] or 0) + 1
end
redis.call('DEL', KEYS[1] .. ':count')
local flat = {}
for module, count in pairs(counts) do
  redis.call('HSET', KEYS[1] .. ':count', module, count)
  flat[#flat + 1] = module
  flat[#flat + 1] = count
end
return flat

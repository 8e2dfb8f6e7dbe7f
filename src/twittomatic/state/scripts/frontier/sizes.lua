-- frontier/sizes: counts the targets that wait, and the users ever seen.
-- KEYS  1 crawl hash  2 prefix of all frontiers of the crawl  3 prefix of all its seen buckets
-- Returns {users seen with the current modules, depth, targets, depth, targets...}, summed over the frontiers of every
-- combination of modules that the crawl was ever begun with.
-- Invariant: it changes nothing. Cost: two commands for each depth of each frontier.
local modules = redis.call('HGET', KEYS[1], 'modules') or ''
local shape = redis.call('HMGET', KEYS[3] .. modules .. ':shape', 'n:ids', 'w:ids')
local sizes = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local combination = string.match(field, '^asked:(.*)$')
  if combination then
    local frontier = KEYS[2] .. combination .. ':'
    for _, depth in ipairs(redis.call('ZRANGE', frontier .. 'depths', 0, -1)) do
      local waiting = redis.call('LLEN', frontier .. 'list:' .. depth) + redis.call('ZCARD', frontier .. 'rank:' .. depth)
      sizes[depth] = (sizes[depth] or 0) + waiting
    end
  end
end
local answer = { tonumber(shape[1] or 0) + tonumber(shape[2] or 0) }
for depth, waiting in pairs(sizes) do
  answer[#answer + 1] = tonumber(depth)
  answer[#answer + 1] = waiting
end
return answer

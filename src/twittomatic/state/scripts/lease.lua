-- lease: hands jobs of a module out, those that were begun before all others.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes
-- ARGV  1 consumer  2 module  3 the most jobs
-- Returns {queue, entry, user id, depth, attempts, checkpoint} of each, '' for the last two of a new one.
-- Invariant: a job is handed to one attempt. Twice: what the first call handed out comes back when its lease ends.
-- Cost: two commands, and one for each job that was begun before.
-- use queue
local leased, most = {}, tonumber(ARGV[3])
for _, queue in ipairs(queues(ARGV[2])) do
  local found = #leased < most and redis.call('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'COUNT', most - #leased,
    'STREAMS', KEYS[1] .. queue, '>')
  for _, item in ipairs(found and found[1][2] or {}) do
    local user, attempts, checkpoint = item[2][2], '', ''
    if queue ~= ARGV[2] then
      local known = redis.call('HMGET', KEYS[2] .. ARGV[2] .. ':' .. user, 'attempts', 'checkpoint')
      attempts, checkpoint = known[1] or '', known[2] or ''
    end
    leased[#leased + 1] = { queue, item[1], user, item[2][4], attempts, checkpoint }
  end
end
return leased

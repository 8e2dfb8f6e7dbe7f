-- jobs/leave: removes a worker process, and makes the jobs that it still holds ready again.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 workers
-- ARGV  1 consumer  2.. modules
-- Returns how many jobs it still held. Twice is harmless. Cost: proportional to the jobs held.
-- use lib/jobs
local held = 0
local function let_go(module, stream)
  if redis.call('EXISTS', stream) == 1 then
    for _, item in ipairs(redis.call('XPENDING', stream, 'workers', '-', '+', 10000, ARGV[1])) do
      local entry = redis.call('XRANGE', stream, item[1], item[1])[1]
      drop(stream, item[1])
      if entry then
        requeue(KEYS[1], KEYS[2], module, entry[2][2])
        held = held + 1
      end
    end
    redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', ARGV[1])
  end
end
for i = 2, #ARGV do
  for _, queue in ipairs(queues(ARGV[i])) do
    let_go(ARGV[i], KEYS[1] .. queue)
  end
end
redis.call('HDEL', KEYS[3], ARGV[1])
return held

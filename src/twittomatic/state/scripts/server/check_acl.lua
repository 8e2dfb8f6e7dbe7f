-- server/check_acl: returns the commands that the server's ACL forbids this user.
-- KEYS  1.. one key of each family
-- ARGV  commands, each a line: its name, its arguments, `key` in place of a key
-- Returns those that are forbidden for some of the keys. Invariant: it changes nothing. Twice is harmless.
-- Cost: two look-ups for each command.
local refused = {}
for _, line in ipairs(ARGV) do
  for _, key in ipairs(KEYS) do
    local command = {}
    for word in string.gmatch(line, '%S+') do
      command[#command + 1] = word == 'key' and key or word
    end
    if not redis.acl_check_cmd(unpack(command)) then
      refused[#refused + 1] = line
      break
    end
  end
end
return refused

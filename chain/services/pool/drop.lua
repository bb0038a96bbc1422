-- An operator takes transactions out: some by hash, and all of some senders.
-- ARGV: now_ms, hashes (32 bytes each, none twice), senders (20 bytes each, none twice)
-- Answer: how many left.
local count = 0
for at = 1, #ARGV[2], 32 do
  local place = call('HGET', K_TX, string.sub(ARGV[2], at, at + 31))
  if place then
    local s, nonce = load(string.sub(place, 1, 20)), unpack_bytes('>I8', place, 21)
    forget(s, {nonce})
    rank(s)
    count = count + 1
  end
end
-- what was named by hash is out of the indexes before its sender's rest follows
flush()
for at = 1, #ARGV[3], 20 do
  local s = load(string.sub(ARGV[3], at, at + 19))
  if s and s.count > 0 then
    count = count + s.count
    forget(s, nonces(s))
    rank(s)
  end
end
commit(tonumber(ARGV[1]))
return count

-- Transactions of Amoeba 5 over FLIP: a header of 24 bytes, in requests and replies the message header of 32 bytes
-- (amheader.lua), then the user's data.
--
-- A request and its reply belong together by the client's FLIP address and the number of the transaction, which stays the same when
-- a request is sent again or forwarded to another server. Times count from the first bit of a message's first fragment.

set_plugin_info({ version = "1.0.0", description = "Amoeba 5: transactions", author = "amlab" })

local amrpc = Proto("amrpc", "Amoeba RPC")

local LENGTH, USER_HEADER = 24, 32
local LOCATE, HEREIS, REQUEST, REPLY, ACK, NAK, ENQUIRE, ALIVE, RECEIVED, FORWARD, FAIL = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local TYPES = {
  "LOCATE", "HEREIS", "REQUEST", "REPLY", "ACK", "NAK", "ENQUIRE", "ALIVE", "RECEIVED", "FORWARD", "FAIL",
}

local F = {
  kernel = ProtoField.bytes("amrpc.kid", "Kernel", base.COLON),
  port = ProtoField.bytes("amrpc.port", "Port", base.COLON),
  type = ProtoField.uint8("amrpc.type", "Type", base.DEC, TYPES),
  flags = ProtoField.uint8("amrpc.flags", "Flags", base.HEX),
  big = ProtoField.bool("amrpc.flags.bigendian", "Most significant byte first", 8, nil, 0x01),
  retrans = ProtoField.bool("amrpc.flags.retrans", "Sent before", 8, nil, 0x02),
  request = ProtoField.bool("amrpc.flags.request", "About a request", 8, nil, 0x04),
  reply = ProtoField.bool("amrpc.flags.reply", "About a reply", 8, nil, 0x08),
  signal = ProtoField.bool("amrpc.flags.sigtrans", "Pass a signal to the server", 8, nil, 0x10),
  tid = ProtoField.uint32("amrpc.tid", "Transaction", base.DEC),
  dest = ProtoField.uint16("amrpc.dest", "Receiving thread", base.DEC),
  round_trip = ProtoField.uint16("amrpc.round_trip", "Client's round trip (ms)", base.DEC),
  from = ProtoField.uint16("amrpc.from", "Sending thread", base.DEC),
  forward = ProtoField.bytes("amrpc.forward", "Forwarded to FLIP address", base.COLON),
  data = ProtoField.bytes("amrpc.rest", "Bytes behind the header"),
  bytes = ProtoField.uint32("amrpc.bytes", "Bytes of user data", base.DEC),
  request_in = ProtoField.framenum("amrpc.request_in", "Request in frame", base.NONE, frametype.REQUEST),
  reply_in = ProtoField.framenum("amrpc.reply_in", "Reply in frame", base.NONE, frametype.RESPONSE),
  first_in = ProtoField.framenum("amrpc.first_in", "Sent first in frame", base.NONE, frametype.RETRANS_PREV),
  time = ProtoField.relative_time("amrpc.time", "Time since the request began"),
  rate = ProtoField.double("amrpc.rate", "Bytes of request and reply per second"),
}
amrpc.fields = F

local E = {
  truncated = ProtoExpert.new("amrpc.truncated", "Message ends too soon", expert.group.MALFORMED, expert.severity.ERROR),
  type = ProtoExpert.new("amrpc.type.unknown", "Unknown type", expert.group.PROTOCOL, expert.severity.WARN),
  again = ProtoExpert.new("amrpc.retransmission", "Sent again", expert.group.SEQUENCE, expert.severity.NOTE),
  refused = ProtoExpert.new("amrpc.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.NOTE),
  failed = ProtoExpert.new("amrpc.failed", "Transaction aborted", expert.group.RESPONSE_CODE, expert.severity.WARN),
  asked = ProtoExpert.new("amrpc.asked", "A kernel asks after a silence", expert.group.SEQUENCE, expert.severity.NOTE),
}
amrpc.experts = E

-- Transactions by client and number; and what each frame is of them.
local transactions, of_frame = {}, {}

function amrpc.init()
  transactions, of_frame = {}, {}
end

local function put(tree, field, range, is_big)
  if is_big then return tree:add(field, range) end
  return tree:add_le(field, range)
end

local function number(range, is_big)
  if is_big then return range:uint() end
  return range:le_uint()
end

-- Remembers a message the first time its frame is seen; returns what there is to say of it.
local function remember(header, pinfo)
  local known = of_frame[pinfo.number]
  if known then return known end
  local private = pinfo.private
  local client = header.type == REQUEST and private["amflip_src"] or private["amflip_dst"]
  local key = tostring(client) .. " " .. header.tid
  local since, first = tonumber(private["amflip_since"]), tonumber(private["amflip_first"])
  local transaction = transactions[key]
  local is_new = header.type == REQUEST and not (transaction and transaction.request_in)
  if not transaction then
    transaction = {}
    transactions[key] = transaction
  end
  known = { transaction = transaction }
  if is_new then
    transaction.request_in, transaction.since, transaction.first = pinfo.number, since, first
    transaction.bytes, transaction.command = header.bytes, header.command
  elseif header.type == REQUEST then
    known.first_in = transaction.request_in
  elseif transaction.reply_in then
    known.first_in = transaction.reply_in
  else
    transaction.reply_in = pinfo.number
  end
  if header.type == REPLY and transaction.since then
    known.time = pinfo.rel_ts - transaction.since
  end
  of_frame[pinfo.number] = known
  return known
end

-- Time as Wireshark has it: whole seconds and nanoseconds.
local function time_of(seconds)
  local whole = math.floor(seconds)
  return NSTime.new(whole, math.floor((seconds - whole) * 1e9 + 0.5))
end

-- What is known of a request or a reply beyond its own bytes.
local function add_relations(tree, header, known)
  local transaction = known.transaction
  tree:add(F.bytes, header.bytes):set_generated()
  if known.first_in then
    tree:add(F.first_in, known.first_in):set_generated()
    tree:add_proto_expert_info(E.again)
  end
  if header.type == REQUEST then
    if transaction.reply_in then tree:add(F.reply_in, transaction.reply_in):set_generated() end
    return
  end
  if transaction.request_in then tree:add(F.request_in, transaction.request_in):set_generated() end
  if known.time and known.time >= 0 then
    tree:add(F.time, time_of(known.time)):set_generated()
    if known.time > 0 then
      tree:add(F.rate, (transaction.bytes + header.bytes) / known.time):set_generated()
    end
  end
end

local function add_header(tvb, tree)
  local is_big = tvb(15, 1):uint() % 2 == 1
  tree:add(F.kernel, tvb(0, 8))
  tree:add(F.port, tvb(8, 6))
  local kind = tvb(14, 1):uint()
  local item = tree:add(F.type, tvb(14, 1))
  local flags = tree:add(F.flags, tvb(15, 1))
  for _, flag in ipairs({ F.big, F.retrans, F.request, F.reply, F.signal }) do flags:add(flag, tvb(15, 1)) end
  put(tree, F.tid, tvb(16, 4), is_big)
  put(tree, kind == REQUEST and F.round_trip or F.dest, tvb(20, 2), is_big)
  put(tree, F.from, tvb(22, 2), is_big)
  if not TYPES[kind] then item:add_proto_expert_info(E.type) end
  return { type = kind, flags = tvb(15, 1):uint(), is_big = is_big, tid = number(tvb(16, 4), is_big) }
end

local function has(header, mask)
  return math.floor(header.flags / mask) % 2 == 1
end

-- The words of the packet list for what has no user header.
local function describe(header)
  local words = "RPC " .. (TYPES[header.type] or string.format("type %d", header.type))
  if has(header, 0x04) then words = words .. " of request" end
  if has(header, 0x08) then words = words .. " of reply" end
  if has(header, 0x10) then words = words .. " with signal" end
  return words .. string.format(" tid %d", header.tid)
end

local function add_trouble(tree, header)
  if header.type == NAK then tree:add_proto_expert_info(E.refused) end
  if header.type == FAIL then tree:add_proto_expert_info(E.failed) end
  if header.type == ENQUIRE or header.type == RECEIVED then tree:add_proto_expert_info(E.asked) end
end

-- A request or a reply, from its user header on.
local function message(tvb, pinfo, root, tree, header)
  if tvb:len() < USER_HEADER then
    tree:add_proto_expert_info(E.truncated, "A message header has 32 bytes")
    if tvb:len() > 0 then tree:add(F.data, tvb()) end
    return
  end
  -- All of the message, even where only its first fragment is at hand.
  header.bytes = math.max((tonumber(pinfo.private["amflip_total"]) or 0) - LENGTH, tvb:len()) - USER_HEADER
  header.command = number(tvb(22, 2), header.is_big)
  local known = remember(header, pinfo)
  add_relations(tree, header, known)
  if has(header, 0x02) and not known.first_in then tree:add_proto_expert_info(E.again, "Says that it was sent before") end
  pinfo.private["amheader_big"] = header.is_big and "1" or "0"
  pinfo.private["amheader_kind"] = header.type == REQUEST and "request" or "reply"
  pinfo.private["amheader_bytes"] = tostring(header.bytes)
  pinfo.private["amheader_command"] = tostring(known.transaction.command or "")
  Dissector.get("amheader"):call(tvb, pinfo, root)
end

function amrpc.dissector(tvb, pinfo, root)
  local tree = root:add(amrpc, tvb(0, math.min(LENGTH, tvb:len())))
  pinfo.cols.protocol:set("AMRPC")
  if tvb:len() < LENGTH then
    tree:add_proto_expert_info(E.truncated, "The header of a transaction has 24 bytes")
    return tvb:len()
  end
  local header = add_header(tvb, tree)
  local back = pinfo.private["amflip_type"]
  local is_back = back == "NOTHERE" or back == "UNTRUSTED" or back == "BUSY"
  pinfo.cols.info:set((is_back and ("FLIP " .. back .. ": ") or "") .. describe(header))
  add_trouble(tree, header)
  if tvb:len() == LENGTH then
    if header.type == REQUEST or header.type == REPLY then
      tree:add_proto_expert_info(E.truncated, "A message header has 32 bytes")
    end
    return LENGTH
  end
  local rest = tvb(LENGTH):tvb()
  if (header.type == REQUEST or header.type == REPLY) and not is_back then
    message(rest, pinfo, root, tree, header)
  elseif header.type == FORWARD and rest:len() >= 8 then
    tree:add(F.forward, rest(0, 8))
  else
    tree:add(F.data, rest())
  end
  return tvb:len()
end

DissectorTable.get("amflip.protocol"):add(1, amrpc)

-- FLIP (Fast Local Internet Protocol) of Amoeba 5 on Ethernet: fragment control, header, reassembly of messages.
--
-- A frame with type 8146h holds two bytes of fragment control, then a FLIP header of 40 bytes in the sender's byte order (flag 01h: the
-- most significant byte first), then a fragment of a message. What the message is, nobody says but in a broadcast, which
-- begins with the number of its protocol; the preference "unicast" tells what else is tried.
--
-- Other dissectors of messages are found in the table "amflip.protocol": 1 transactions (amrpc.lua), 2 groups (amgroup.lua). They learn
-- the addresses, the bytes of the whole message, and the frame and time of its first fragment, from the table "private" of the packet.

set_plugin_info({ version = "1.0.0", description = "Amoeba 5: FLIP", author = "amlab" })

local amflip = Proto("amflip", "Amoeba FLIP")

local PROTOCOLS = { [1] = "RPC", [2] = "group" }
local protocols = DissectorTable.new("amflip.protocol", "Amoeba protocol over FLIP", ftypes.UINT32, base.DEC, amflip)

local CONTROL_LENGTH, HEADER_LENGTH = 2, 40
local LOCATE, HEREIS, UNIDATA, MULTIDATA, NOTHERE, UNTRUSTED, BUSY = 1, 2, 3, 4, 5, 6, 7
local TYPES = {
  [LOCATE] = "LOCATE", [HEREIS] = "HEREIS", [UNIDATA] = "UNIDATA", [MULTIDATA] = "MULTIDATA",
  [NOTHERE] = "NOTHERE", [UNTRUSTED] = "UNTRUSTED", [BUSY] = "BUSY",
}
local CONTROLS = {
  [0] = "DATA", "REQCREDIT", "CREDIT", "MCREQ", "MCACK", "MCNAK", "ABSCREDIT", "FAST_UNIDATA", "FAST_MULTIDATA",
}

local F = {
  control = ProtoField.uint8("amflip.fc.type", "Fragment control", base.DEC, CONTROLS),
  credit = ProtoField.uint8("amflip.fc.credit", "Credits", base.DEC),
  station = ProtoField.ether("amflip.fc.group", "Ethernet group"),
  listener = ProtoField.bytes("amflip.fc.address", "For FLIP address", base.COLON),
  version = ProtoField.uint8("amflip.version", "Version", base.DEC),
  type = ProtoField.uint8("amflip.type", "Type", base.DEC, TYPES),
  flags = ProtoField.uint8("amflip.flags", "Flags", base.HEX),
  big = ProtoField.bool("amflip.flags.bigendian", "Most significant byte first", 8, nil, 0x01),
  code = ProtoField.bool("amflip.flags.codefield", "Code field present", 8, nil, 0x02),
  security = ProtoField.bool("amflip.flags.security", "Over trusted networks only", 8, nil, 0x04),
  unreachable = ProtoField.bool("amflip.flags.unreachable", "Not routed over trusted networks", 8, nil, 0x10),
  unsafe = ProtoField.bool("amflip.flags.unsafe", "Has crossed an untrusted network", 8, nil, 0x20),
  reserved = ProtoField.uint8("amflip.reserved", "Reserved", base.HEX),
  hops = ProtoField.uint16("amflip.hops", "Hops so far", base.DEC),
  most_hops = ProtoField.uint16("amflip.max_hops", "Hops at most", base.DEC),
  dst = ProtoField.bytes("amflip.dst", "Destination", base.COLON),
  src = ProtoField.bytes("amflip.src", "Source", base.COLON),
  addr = ProtoField.bytes("amflip.addr", "Source or destination", base.COLON),
  messid = ProtoField.uint32("amflip.messid", "Message", base.DEC),
  length = ProtoField.uint32("amflip.length", "Bytes in this packet", base.DEC),
  offset = ProtoField.uint32("amflip.offset", "Offset in the message", base.DEC),
  total = ProtoField.uint32("amflip.total", "Bytes of the message", base.DEC),
  locations = ProtoField.uint16("amflip.locations", "Locations", base.DEC),
  trusted = ProtoField.uint16("amflip.trusted", "Locations over trusted networks", base.DEC),
  protocol = ProtoField.uint32("amflip.protocol", "Protocol", base.DEC, PROTOCOLS),
  data = ProtoField.bytes("amflip.data", "Data"),
  padding = ProtoField.bytes("amflip.padding", "Padding"),
  reassembled_in = ProtoField.framenum("amflip.reassembled_in", "Message complete in frame"),
  fragment = ProtoField.framenum("amflip.fragment", "Fragment in frame"),
  fragments = ProtoField.uint32("amflip.fragments", "Fragments", base.DEC),
}
amflip.fields = F

local E = {
  truncated = ProtoExpert.new("amflip.truncated", "Frame ends too soon", expert.group.MALFORMED, expert.severity.ERROR),
  control = ProtoExpert.new("amflip.fc.unknown", "Unknown fragment control", expert.group.PROTOCOL, expert.severity.WARN),
  version = ProtoExpert.new("amflip.version.unknown", "Unknown version", expert.group.PROTOCOL, expert.severity.WARN),
  type = ProtoExpert.new("amflip.type.unknown", "Unknown type", expert.group.PROTOCOL, expert.severity.WARN),
  bounds = ProtoExpert.new("amflip.bounds", "Fragment beyond its message", expert.group.MALFORMED, expert.severity.ERROR),
  hops = ProtoExpert.new("amflip.hops.exceeded", "More hops than allowed", expert.group.PROTOCOL, expert.severity.WARN),
  returned = ProtoExpert.new("amflip.returned", "Packet came back", expert.group.RESPONSE_CODE, expert.severity.NOTE),
  duplicate = ProtoExpert.new("amflip.duplicate", "Fragment was here before", expert.group.SEQUENCE, expert.severity.NOTE),
  overlap = ProtoExpert.new("amflip.overlap", "Fragments overlap", expert.group.MALFORMED, expert.severity.WARN),
}
amflip.experts = E

local BY_CONTENTS, AS_RPC, AS_GROUP, AS_DATA = 0, 1, 2, 3
amflip.prefs.unicast = Pref.enum("Unicast messages are", BY_CONTENTS,
  "A message to one destination does not say its protocol",
  { { 1, "what their header looks like", BY_CONTENTS }, { 2, "transactions", AS_RPC },
    { 3, "group messages", AS_GROUP }, { 4, "data", AS_DATA } })
amflip.prefs.reassemble = Pref.bool("Reassemble messages of several fragments", true,
  "Show a message at its last fragment")

-- Messages of several fragments, by their addresses and number; and those that each frame belongs to.
local messages, of_frame = {}, {}

function amflip.init()
  messages, of_frame = {}, {}
end

-- Adds a field in the order of bytes that the packet announces.
local function put(tree, field, range, is_big)
  if is_big then return tree:add(field, range) end
  return tree:add_le(field, range)
end

local function number(range, is_big)
  if is_big then return range:uint() end
  return range:le_uint()
end

-- What a message of one destination is, by the looks of its first bytes; nil if nothing fits.
local function guess(tvb, total)
  local length = tvb:len()
  if length >= 24 and total >= 24 then
    local kind, flags = tvb(14, 1):uint(), tvb(15, 1):uint()
    local has_user_header = kind == 3 or kind == 4
    local is_right_size = (has_user_header and total >= 56) or (kind == 10 and total == 32)
      or (not has_user_header and kind ~= 10 and total == 24)
    if kind >= 1 and kind <= 11 and flags < 0x20 and is_right_size then return 1 end
  end
  if length >= 20 and total >= 20 and tvb(0, 1):uint() <= 18 and tvb(1, 1):uint() <= 1 and tvb(2, 2):uint() == 0 then
    return 2
  end
  return nil
end

-- A whole message, or the first fragment of one: to whom it may concern.
local function hand_over(tvb, pinfo, root, tree, is_broadcast, total)
  local protocol
  if is_broadcast then
    if tvb:len() < 4 then
      tree:add_proto_expert_info(E.truncated, "A broadcast begins with the number of its protocol")
      return
    end
    protocol = tvb(0, 4):uint()
    tree:add(F.protocol, tvb(0, 4))
    if tvb:len() == 4 then return end
    tvb, total = tvb(4):tvb(), total - 4
  elseif amflip.prefs.unicast == BY_CONTENTS then
    protocol = guess(tvb, total)
  elseif amflip.prefs.unicast ~= AS_DATA then
    protocol = amflip.prefs.unicast
  end
  if protocol and PROTOCOLS[protocol] then
    pinfo.private["amflip_total"] = tostring(total)
    protocols:try(protocol, tvb, pinfo, root)
  else
    tree:add(F.data, tvb())
  end
end

-- The bytes of all parts of a message that is complete, or nil.
local function joined(message)
  if message.had < message.total then return nil end
  table.sort(message.parts, function(a, b) return a.offset < b.offset end)
  local whole = ByteArray.new()
  for _, part in ipairs(message.parts) do
    whole:append(part.bytes)
    part.bytes = nil
  end
  return whole
end

-- Takes a fragment in, the first time its frame is seen. Returns what the frame has to say of it.
local function take(key, header, range, pinfo)
  local message = messages[key]
  if not message or message.total ~= header.total then
    message = { total = header.total, had = 0, parts = {}, frames = {}, first = pinfo.number, since = pinfo.rel_ts }
    messages[key] = message
  end
  local fragment = { message = message }
  local from, till = header.offset, header.offset + header.length
  for _, part in ipairs(message.parts) do
    if from < part.offset + part.length and part.offset < till then
      local is_same = part.offset == from and part.length == header.length
      fragment.trouble = is_same and E.duplicate or E.overlap
    end
  end
  if not fragment.trouble then
    table.insert(message.parts, { offset = from, length = header.length, bytes = range:bytes() })
    table.insert(message.frames, pinfo.number)
    message.had = message.had + header.length
    message.whole = joined(message)
    if message.whole then message.complete_in = pinfo.number end
  end
  of_frame[pinfo.number] = fragment
  return fragment
end

-- A fragment that is not a whole message.
local function fragment_of(tvb, pinfo, root, tree, header)
  local range = tvb(0, header.length)
  local is_data = header.type == UNIDATA or header.type == MULTIDATA
  if not is_data or not amflip.prefs.reassemble then
    if header.offset == 0 then
      hand_over(range:tvb(), pinfo, root, tree, header.is_broadcast, header.total)
    else
      tree:add(F.data, range)
    end
    return
  end
  local key = table.concat({ tostring(pinfo.dl_src), header.src, header.dst, header.messid }, " ")
  local fragment = of_frame[pinfo.number] or take(key, header, range, pinfo)
  local message = fragment.message
  tree:add(F.data, range)
  if fragment.trouble then tree:add_proto_expert_info(fragment.trouble) end
  if message.complete_in ~= pinfo.number then
    if message.complete_in then tree:add(F.reassembled_in, message.complete_in):set_generated() end
    return
  end
  local whole = message.whole:tvb("FLIP message")
  local list = tree:add(F.fragments, whole(), #message.frames):set_generated()
  for _, frame in ipairs(message.frames) do list:add(F.fragment, frame):set_generated() end
  pinfo.private["amflip_first"] = tostring(message.first)
  pinfo.private["amflip_since"] = string.format("%.9f", message.since)
  hand_over(whole, pinfo, root, tree, header.is_broadcast, header.total)
end

local function add_flags(tree, range)
  local flags = tree:add(F.flags, range)
  for _, flag in ipairs({ F.big, F.code, F.security, F.unreachable, F.unsafe }) do flags:add(flag, range) end
end

-- The header of 40 bytes at the start of tvb.
local function add_header(tvb, tree)
  local is_big = tvb(2, 1):uint() % 2 == 1
  tree:add(F.version, tvb(0, 1))
  local kind = tree:add(F.type, tvb(1, 1))
  add_flags(tree, tvb(2, 1))
  tree:add(F.reserved, tvb(3, 1))
  local hops = put(tree, F.hops, tvb(4, 2), is_big)
  put(tree, F.most_hops, tvb(6, 2), is_big)
  tree:add(F.dst, tvb(8, 8))
  tree:add(F.src, tvb(16, 8))
  tree:add(F.addr, tvb(8, 8)):set_hidden()
  tree:add(F.addr, tvb(16, 8)):set_hidden()
  put(tree, F.messid, tvb(24, 4), is_big)
  put(tree, F.length, tvb(28, 4), is_big)
  put(tree, F.offset, tvb(32, 4), is_big)
  put(tree, F.total, tvb(36, 4), is_big)
  local header = {
    type = tvb(1, 1):uint(), is_big = is_big,
    dst = tostring(tvb(8, 8):bytes()), src = tostring(tvb(16, 8):bytes()),
    messid = number(tvb(24, 4), is_big), length = number(tvb(28, 4), is_big),
    offset = number(tvb(32, 4), is_big), total = number(tvb(36, 4), is_big),
  }
  header.is_broadcast = header.dst == "0000000000000000"
  if not TYPES[header.type] then kind:add_proto_expert_info(E.type) end
  if number(tvb(4, 2), is_big) > number(tvb(6, 2), is_big) then hops:add_proto_expert_info(E.hops) end
  return header
end

local function describe(header)
  local kind = TYPES[header.type] or string.format("type %d", header.type)
  local place = header.is_broadcast and "everyone" or header.dst:lower()
  if header.type == LOCATE or header.type == HEREIS then return "FLIP " .. kind .. " " .. place end
  if header.length == header.total then return string.format("FLIP %s %d bytes", kind, header.length) end
  return string.format("FLIP %s bytes %d to %d of %d", kind, header.offset, header.offset + header.length, header.total)
end

-- What stands behind the header. Returns how many bytes that is.
local function add_body(tvb, pinfo, root, tree, header)
  local is_cut = header.length > tvb:len()
  if is_cut then
    tree:add_proto_expert_info(E.truncated, "The packet says more bytes than the frame has")
    header.length = tvb:len()
  end
  if header.offset + header.length > header.total then
    tree:add_proto_expert_info(E.bounds)
    if header.length > 0 then tree:add(F.data, tvb(0, header.length)) end
  elseif header.length == 0 then
    return 0
  elseif header.type == HEREIS then
    if header.length < 4 then
      tree:add_proto_expert_info(E.truncated, "HEREIS has two counts")
      return header.length
    end
    put(tree, F.locations, tvb(0, 2), header.is_big)
    put(tree, F.trusted, tvb(2, 2), header.is_big)
  elseif header.type == LOCATE or not TYPES[header.type] then
    tree:add(F.data, tvb(0, header.length))
  elseif header.length == header.total then
    hand_over(tvb(0, header.length):tvb(), pinfo, root, tree, header.is_broadcast, header.total)
  elseif is_cut then
    tree:add(F.data, tvb(0, header.length))
  else
    fragment_of(tvb, pinfo, root, tree, header)
  end
  return header.length
end

-- A packet: header and body. Returns how many bytes it has.
local function packet(tvb, pinfo, root, tree)
  if tvb:len() < HEADER_LENGTH then
    tree:add_proto_expert_info(E.truncated, "A FLIP header has 40 bytes")
    pinfo.cols.info:append(" (cut short)")
    return tvb:len()
  end
  if tvb(0, 1):uint() ~= 1 then
    tree:add(F.version, tvb(0, 1)):add_proto_expert_info(E.version)
    return tvb:len()
  end
  local header = add_header(tvb, tree)
  pinfo.cols.info:set(describe(header))
  pinfo.private["amflip_src"] = header.src
  pinfo.private["amflip_dst"] = header.dst
  pinfo.private["amflip_type"] = TYPES[header.type] or ""
  pinfo.private["amflip_first"] = tostring(pinfo.number)
  pinfo.private["amflip_since"] = string.format("%.9f", pinfo.rel_ts)
  if header.type == NOTHERE or header.type == UNTRUSTED or header.type == BUSY then
    tree:add_proto_expert_info(E.returned, "The packet came back: " .. TYPES[header.type])
  end
  if tvb:len() == HEADER_LENGTH then
    if header.length > 0 then tree:add_proto_expert_info(E.truncated, "The data is missing") end
    return HEADER_LENGTH
  end
  return HEADER_LENGTH + add_body(tvb(HEADER_LENGTH):tvb(), pinfo, root, tree, header)
end

-- What stands behind fragment control that carries no packet. Returns how many bytes that is.
local function control_body(tvb, tree, kind)
  local length = ({ [3] = 16, [4] = 8, [5] = 8 })[kind] or 0
  if tvb:len() < CONTROL_LENGTH + length then
    tree:add_proto_expert_info(E.truncated, "The body of the fragment control is missing")
    return tvb:len()
  end
  if kind == 3 then tree:add(F.station, tvb(2, 6)) end
  if length > 0 then tree:add(F.listener, tvb(CONTROL_LENGTH + length - 8, 8)) end
  return CONTROL_LENGTH + length
end

function amflip.dissector(tvb, pinfo, root)
  pinfo.cols.protocol:set("FLIP")
  if tvb:len() < CONTROL_LENGTH then
    root:add(amflip, tvb()):add_proto_expert_info(E.truncated)
    pinfo.cols.info:set("FLIP (cut short)")
    return tvb:len()
  end
  local kind, credit = tvb(0, 1):uint(), tvb(1, 1):uint()
  local tree = root:add(amflip, tvb())
  local control = tree:add(F.control, tvb(0, 1))
  tree:add(F.credit, tvb(1, 1))
  local name = CONTROLS[kind] or string.format("type %d", kind)
  pinfo.cols.info:set(string.format("FLIP control %s %d", name, credit))
  local used
  if kind == 0 then
    used = CONTROL_LENGTH
    if tvb:len() == used then
      tree:add_proto_expert_info(E.truncated, "A FLIP header has 40 bytes")
    else
      used = used + packet(tvb(used):tvb(), pinfo, root, tree)
      if credit > 0 then pinfo.cols.info:append(string.format(" +%d credits", credit)) end
    end
  else
    if not CONTROLS[kind] then control:add_proto_expert_info(E.control) end
    used = control_body(tvb, tree, kind)
  end
  if used < tvb:len() then tree:add(F.padding, tvb(used)) end
  return tvb:len()
end

DissectorTable.get("ethertype"):add(0x8146, amflip)

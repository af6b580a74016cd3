/// One step of a program: 40 bytes. What its operands mean stands with `Operation`.
struct Instruction: BitwiseCopyable {
  var operation: Operation
  /// Of matches: it has to fail.
  var isNegated = false
  var load = Load()
  /// See `Variance`.
  var variance: Variance = []
  /// Mostly a place in the program's words.
  var a: UInt32 = 0
  /// Where the packet goes when the rule ends here: the next rule, or the choice of one.
  var next: UInt32 = 0
  var x: UInt64 = 0
  var y: UInt64 = 0

  init(_ operation: Operation) { self.operation = operation }
}

enum Operation: UInt8, BitwiseCopyable {
  // Chains. x: the rule's handle, y: the chain.
  case held, accept, drop, reject, `return`
  /// a: code of the chain.
  case jump, goto
  case chainEnd
  /// Looks a packet's values up in the index at `a`, then goes on with the first rule that may match; `choose` with the
  /// next one. `next`: the chain's end.
  case index, choose
  // Matches of a value of at most 64 bits.
  /// x <= value <= y.
  case range
  /// value & x == y.
  case masked
  /// value & x != 0.
  case anyBit
  /// Bit `ingress` (a: 0) or `egress` (a: 1) of x; y: where there is no such port.
  case port
  /// In the set at `a`.
  case inSet
  // Of wider values, or of what is computed: from the stack.
  case push
  /// The constant x, y (low, high).
  case pushConstant
  case and, or, xor
  /// x: bits; y: how many stay.
  case shiftLeft, shiftRight
  /// The top is in the range of four words at `a` (low first).
  case topRange
  /// The top has bits of the two words at `a`.
  case topAnyBit
  /// The top and what is under it, by the relation x, both of y parts.
  case compare
  /// The x parts on top are in the ranges of four words each from `a`.
  case topKey
  /// The parts on top are in the set at `a`.
  case topInSet
  /// For the parts on top what the map at `a` has.
  case map
  /// The same, a verdict. y: the chain, x: the rule's handle.
  case verdictMap
  // What keeps a state. x: its cell, a: its statement.
  case counter, limit, count
  // What changes the packet. The value is on top of the stack.
  case setMark, setTrace, setConnectionMark, setLabels, setEvents
  /// x: 1 original, 2 reply, 3 both.
  case setZone
  case notrack
  /// a: place, x: transport.
  case timeout
  /// a: place.
  case offload
  /// a: the set's words, x: verb (0 add, 1 update, 2 delete), y: timeout in nanoseconds or 0; the key is on the stack
  /// and, of a map, the data on top of it.
  case update
}

/// Where a value comes from: 8 bytes.
struct Load: BitwiseCopyable, Hashable {
  enum Kind: UInt8, BitwiseCopyable {
    case link, network, transport
    case ipv6Extension, ipv6ExtensionField, tcpOptionExists, tcpOption
    case inputName, outputName, inputIndex, outputIndex, etherType, networkFamily, protocolNumber, mark, length
    case packetType
    case state, direction, status, connectionMark, expiration, id, labels, zone, connectionFamily
    case connectionTransport, source4, destination4, source6, destination6, sourcePort, destinationPort
    case packets, bytes, averageLength
  }
  var kind = Kind.link
  /// Payload: bits, up to 128. Connection: 0 original, 1 reply, 2 neither.
  var bits: UInt8 = 0
  /// Extension headers and options: which. Network family: 1 in a netdev table.
  var which: UInt8 = 0
  /// In bits, from the header's start.
  var offset: UInt16 = 0
  /// Payload of up to 64 bits: the bytes it lies in (at most 8, else 0), and how far its last bit is from their end.
  var bytes: UInt8 = 0
  var shift: UInt8 = 0
}

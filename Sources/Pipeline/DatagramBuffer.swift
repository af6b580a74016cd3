internal import Reassembly

/// Brings a datagram whose fragments are held into one piece, in memory taken at start: the headers of the first
/// fragment, as they came, and the payload of all.
@safe
struct DatagramBuffer: ~Copyable {
  /// The first fragment's IPv6 fragment header stays in front of what can be gathered of a whole datagram.
  static let room = Gathering.room + 8

  private let memory: UnsafeMutableRawPointer

  init() { unsafe memory = .allocate(byteCount: Self.room, alignment: 64) }

  deinit { unsafe memory.deallocate() }

  /// The datagram as one frame, a copy that stays until the next call.
  func whole(_ slot: Int, of fragments: borrowing Reassembly, _ gathering: borrowing Gathering) -> Packet {
    var link = fragments.firstPiece(slot)
    let front = fragments.packet(link)
    let start = Int(front.payload)
    let headers = front.packet(gathering)
    unsafe memory.copyMemory(from: headers.bytes, byteCount: min(start, Int(headers.contiguous)))
    var end = start
    while link != 0 {
      let held = fragments.packet(link)
      let length = fragments.payloadLength(ofPiece: link)
      let packet = held.packet(gathering)
      let from = Int(held.payload)
      precondition(
        end + length <= Self.room && from + length <= Int(packet.contiguous), "a fragment without its payload")
      unsafe (memory + end).copyMemory(from: packet.bytes + from, byteCount: length)
      end += length
      link = fragments.piece(after: link)
    }
    return unsafe Packet(handle: front.handle, bytes: memory, contiguous: UInt32(end), length: UInt32(end))
  }
}

extension HeldFragment {
  /// The frame in one piece, for as long as `Gathering` says.
  func packet(_ gathering: borrowing Gathering) -> Packet {
    let packet = unsafe Packet(handle: handle, bytes: bytes, contiguous: contiguous, length: length)
    return packet.isWhole ? packet : gathering.whole(packet)
  }
}

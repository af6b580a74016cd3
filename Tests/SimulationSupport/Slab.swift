import Pipeline
import Primitives
import TestSupport

/// Who has a packet buffer.
struct Owner: BitwiseCopyable, Equatable {
  let number: UInt8

  static let pool = Owner(number: 0)
  /// On the wire between two ports.
  static let wire = Owner(number: 1)
  /// Somebody else who takes from the same pool.
  static let stranger = Owner(number: 2)
  /// On its way from one worker to another.
  static let handoff = Owner(number: 3)
  static func worker(_ index: Int) -> Owner { Owner(number: UInt8(4 + index)) }
}

/// What the world knows of one packet buffer.
struct Slot: BitwiseCopyable {
  var owner = Owner.pool
  /// The transmit queue was offered this packet and did not take it.
  var wasOffered = false
  /// The ring to its owner did not take this packet.
  var wasRefused = false
  /// The conversation it belongs to by addresses and by five-tuple, or -1 when that is not known.
  var pair: Int32 = -1
  var conversation: Int32 = -1
  /// What part of which datagram it is, if it is a fragment.
  var piece = Piece()
  /// The cut that it was made by, or -1, and its place among the pieces.
  var cut: Int32 = -1
  var place: Int32 = 0
  /// When it came to its worker: counted over all packets, and by the worker's clock; how often it was handed over.
  var stamp: UInt64 = 0
  var came = Instant(nanoseconds: 0)
  var handovers: UInt8 = 0
  /// The queue it came by, its place in that queue's order, and the port it must leave by.
  var inbound: Int32 = 0
  var sequence: UInt32 = 0
  var egress: UInt16 = 0
  var length: UInt32 = 0
  var contiguous: UInt32 = 0
  /// Why it must be dropped, as a raw value of `DropReason` (0: it must cross), and for what reasons it may be.
  var mustDrop: UInt8 = 0
  var mayDrop = Reasons()
  /// By which ruleset it is counted, as `RuleDesk` has them; -1: by none.
  var rules: Int32 = -1
  var tags: UInt8 = 0
  var headers: UInt16 = 0
  var fault: UInt8 = 0
  var soundness = Traffic.Soundness.unknown
  var marks: PacketMarks = []
  /// The template with the checksum filled in, or -1.
  var finished: Int32 = -1
  /// The last census that came by.
  var census: UInt64 = 0
}

/// The packet buffers: memory for a frame as a worker sees it, in one or two pieces, and a copy of how it must leave.
@safe
final class Slab {
  private static let header = 64
  /// Rubbish between the two pieces of a frame, and behind it.
  private static let gap = 64
  private static let stride = header + Traffic.longest + 2 * gap

  let count: Int
  var slots: FixedArray<Slot>
  private let memory: UnsafeMutableRawPointer
  private let originals: UnsafeMutableRawPointer

  init(count: Int) {
    self.count = count
    slots = FixedArray(repeating: Slot(), count: count)
    unsafe memory = .allocate(byteCount: count * Self.stride, alignment: 64)
    unsafe originals = .allocate(byteCount: count * Traffic.longest, alignment: 64)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe originals.deallocate()
  }

  // MARK: Handles

  /// A handle is the address of the buffer, as it is with mbufs.
  func handle(_ i: Int) -> UInt { unsafe UInt(bitPattern: memory + i * Self.stride) }

  /// `nil` for what is no handle.
  @inline(__always)
  func index(_ handle: UInt) -> Int? {
    let offset = unsafe handle &- UInt(bitPattern: memory)
    let (i, rest) = offset.quotientAndRemainder(dividingBy: UInt(Self.stride))
    return rest == 0 && i < count ? Int(i) : nil
  }

  func packet(_ i: Int) -> Packet {
    let slot = slots[i]
    return unsafe Packet(
      handle: handle(i), bytes: bytes(i), contiguous: slot.contiguous, length: slot.length, marks: slot.marks,
      segments: slot.contiguous == slot.length ? 1 : 2)
  }

  private func bytes(_ i: Int) -> UnsafeMutableRawPointer { unsafe memory + i * Self.stride + Self.header }
  private func original(_ i: Int) -> UnsafeMutableRawPointer { unsafe originals + i * Traffic.longest }

  // MARK: Frames

  /// Writes a frame as it must leave; `layOut` then shows it to the worker.
  func fill(_ i: Int, from bytes: [UInt8], at start: Int, count: Int) {
    precondition(start >= 0 && count <= Traffic.longest && start + count <= bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      unsafe original(i).copyMemory(from: source.baseAddress! + start, byteCount: count)
    }
    slots[i].length = UInt32(count)
  }

  /// The frame as it must leave, to be damaged on its way in.
  func edit(_ i: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
    var span = unsafe MutableSpan<UInt8>(
      _unsafeStart: original(i).assumingMemoryBound(to: UInt8.self), count: Int(slots[i].length))
    body(&span)
  }

  /// The frame must leave as these bytes from now on; they are as many as before.
  func amend(_ i: Int, _ frame: Frame) {
    precondition(frame.count == Int(slots[i].length))
    unsafe original(i).copyMemory(from: frame.bytes, byteCount: frame.count)
  }

  func copyOfFrame(_ i: Int) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: original(i), count: Int(slots[i].length)))
  }

  /// Lays the frame out as the worker is to see it: the first bytes in one piece, the others elsewhere.
  func layOut(_ i: Int, contiguous: Int) {
    let length = Int(slots[i].length)
    slots[i].contiguous = UInt32(contiguous)
    let bytes = unsafe bytes(i)
    unsafe (bytes - 8).storeBytes(of: slots[i].length, as: UInt32.self)
    unsafe (bytes - 4).storeBytes(of: slots[i].contiguous, as: UInt32.self)
    unsafe bytes.copyMemory(from: original(i), byteCount: contiguous)
    unsafe (bytes + contiguous).initializeMemory(as: UInt8.self, repeating: 0xee, count: Self.gap)
    if contiguous < length {
      unsafe (bytes + contiguous + Self.gap).copyMemory(from: original(i) + contiguous, byteCount: length - contiguous)
    }
  }

  /// Whether the frame still is what it must be.
  @inline(__always)
  func isUntouched(_ i: Int) -> Bool {
    let (length, contiguous) = (Int(slots[i].length), Int(slots[i].contiguous))
    return unsafe isEqual(bytes(i), original(i), contiguous)
      && isEqual(bytes(i) + contiguous + Self.gap, original(i) + contiguous, length - contiguous)
  }

  private func isEqual(_ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer, _ count: Int) -> Bool {
    var at = 0
    while at + 8 <= count {
      guard
        unsafe a.loadUnaligned(fromByteOffset: at, as: UInt64.self)
          == b.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      else { return false }
      at += 8
    }
    while at < count {
      guard unsafe a.load(fromByteOffset: at, as: UInt8.self) == b.load(fromByteOffset: at, as: UInt8.self) else {
        return false
      }
      at += 1
    }
    return true
  }

  /// Lends the first piece as the worker has it, to be finished or spoiled.
  func editFirstPiece(_ i: Int, _ body: (inout MutableRawSpan) -> Void) {
    var span = unsafe MutableRawSpan(_unsafeStart: bytes(i), byteCount: Int(slots[i].contiguous))
    body(&span)
  }

  /// Copies a frame out of its pieces; what a journey calls for headers in several.
  static let gather: GatherFrame = { handle, memory, room in
    let bytes = unsafe UnsafeRawPointer(bitPattern: handle)! + Slab.header
    let length = unsafe min(room, Int((bytes - 8).load(as: UInt32.self)))
    let contiguous = unsafe min(length, Int((bytes - 4).load(as: UInt32.self)))
    unsafe memory.copyMemory(from: bytes, byteCount: contiguous)
    if contiguous < length {
      unsafe (memory + contiguous).copyMemory(from: bytes + contiguous + Slab.gap, byteCount: length - contiguous)
    }
    return length
  }
}

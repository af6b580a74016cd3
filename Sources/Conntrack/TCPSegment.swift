public import Wire

/// What tracking reads of a TCP header (RFC 9293 §3.1), in host order. 20 bytes.
public struct TCPSegment: BitwiseCopyable, Equatable, Sendable {
  public var sequence: UInt32
  public var acknowledgement: UInt32
  /// The sequence number just past it: SYN and FIN count as a byte each.
  public var end: UInt32
  /// As it stands in the header, not scaled.
  public var window: UInt16
  public var flags: Flags
  /// Bytes of options that the header claims, 0 to 40.
  @usableFromInline var optionsLength: UInt8
  /// Where they start in the frame.
  @usableFromInline var optionsOffset: UInt16

  /// The flags byte, CWR to FIN.
  public struct Flags: OptionSet, BitwiseCopyable, Sendable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var fin: Flags { Flags(rawValue: 1) }
    @inlinable public static var syn: Flags { Flags(rawValue: 2) }
    @inlinable public static var reset: Flags { Flags(rawValue: 4) }
    @inlinable public static var ack: Flags { Flags(rawValue: 16) }
    @inlinable public static var urgent: Flags { Flags(rawValue: 32) }
  }

  /// What the flags make of it. Raw values are written to the record.
  public enum Kind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case syn, synAck, fin, ack, reset, none
  }

  /// A segment without options.
  @inlinable @inline(__always)
  public init(sequence: UInt32, acknowledgement: UInt32, flags: Flags, window: UInt16, payload: UInt32 = 0) {
    self.sequence = sequence
    self.acknowledgement = acknowledgement
    self.flags = flags
    self.window = window
    // SYN is bit 1 and FIN bit 0.
    end = sequence &+ payload &+ UInt32(flags.rawValue & 1) &+ UInt32(flags.rawValue >> 1 & 1)
    optionsLength = 0
    optionsOffset = 0
  }

  /// - Parameter frame: holds the header's first 20 bytes at least; one that does not reads as flags that fit nothing.
  /// - Parameter summary: of the frame; it has found the data offset to be within the datagram.
  @inlinable @inline(__always)
  public init(frame: RawSpan, summary: Summary) {
    self.init(frame: frame, at: summary.transportOffset, end: summary.datagramEnd)
  }

  /// - Parameters:
  ///   - transportOffset: where the header starts.
  ///   - end: where the datagram ends.
  @inlinable @inline(__always)
  public init(frame: RawSpan, at transportOffset: UInt16, end: UInt32) {
    let at = Int(transportOffset)
    guard at &+ TCPView.Layout.size <= frame.byteCount else {
      self.init(sequence: 0, acknowledgement: 0, flags: [], window: 0)
      return
    }
    let header = UInt32(frame.number(at: at &+ 12, as: UInt8.self) >> 4) &* 4
    self.init(
      sequence: frame.number(at: at &+ 4), acknowledgement: frame.number(at: at &+ 8),
      flags: Flags(rawValue: frame.number(at: at &+ 13)), window: frame.number(at: at &+ 14),
      payload: end &- UInt32(truncatingIfNeeded: at) &- header)
    optionsLength = UInt8(truncatingIfNeeded: header &- 20)
    optionsOffset = UInt16(truncatingIfNeeded: at &+ TCPView.Layout.size)
  }

  @inlinable public var kind: Kind {
    if flags.contains(.reset) { return .reset }
    if flags.contains(.syn) { return flags.contains(.ack) ? .synAck : .syn }
    if flags.contains(.fin) { return .fin }
    return flags.contains(.ack) ? .ack : .none
  }

  /// No TCP sends other combinations (conformance 26); PSH, ECE and CWR go with all of them (27).
  public var isSensible: Bool {
    switch (
      flags.contains(.syn), flags.contains(.fin), flags.contains(.reset), flags.contains(.ack), flags.contains(.urgent)
    ) {
    case (true, false, false, true, false), (true, false, false, false, _): true
    case (false, false, true, _, false): true
    case (false, _, false, true, _): true
    default: false
    }
  }
}

// MARK: Options

extension TCPSegment {
  /// What a SYN offers for the whole connection.
  struct Offer: BitwiseCopyable {
    var scale: UInt8?  // at most 14: RFC 7323 §2.3
    var selectiveAcknowledgement = false
  }

  /// `nil` when there are no options at all.
  func offer(_ frame: RawSpan) -> Offer? {
    guard optionsLength > 0 else { return nil }
    var offer = Offer()
    var options = OptionWalk(self, frame)
    while let option = options.next(frame) {
      if option.kind == 4, option.length == 2 { offer.selectiveAcknowledgement = true }
      if option.kind == 3, option.length == 3 { offer.scale = min(frame.number(at: option.at &+ 2), 14) }
    }
    return offer
  }

  /// The right edge of the highest block that a SACK option names, or the acknowledgement itself (RFC 2018 §3).
  func highestAcknowledgement(_ frame: RawSpan) -> UInt32 {
    var highest = acknowledgement
    var options = OptionWalk(self, frame)
    while let option = options.next(frame) {
      guard option.kind == 5, option.length >= 10, option.length % 8 == 2 else { continue }
      var edge = option.at &+ 6
      while edge < option.at &+ option.length {
        let right: UInt32 = frame.number(at: edge)
        if right.isAfter(highest) { highest = right }
        edge &+= 8
      }
      break
    }
    return highest
  }

  /// There are options, and not just the timestamps of most segments (RFC 7323 appendix A: these twelve bytes).
  @inlinable @inline(__always)
  func mayAcknowledgeSelectively(_ frame: RawSpan) -> Bool {
    if optionsLength == 0 { return false }
    let at = Int(optionsOffset)
    guard optionsLength == 12, at &+ 12 <= frame.byteCount else { return true }
    return frame.number(at: at, as: UInt32.self) != 0x0101_080a
  }

  /// The options but padding, one after the other (RFC 9293 §3.2), as far as header and frame hold them.
  private struct OptionWalk {
    private var at: Int
    private let end: Int

    init(_ segment: TCPSegment, _ frame: RawSpan) {
      at = Int(segment.optionsOffset)
      end = min(at + Int(segment.optionsLength), frame.byteCount)
    }

    mutating func next(_ frame: RawSpan) -> (kind: UInt8, at: Int, length: Int)? {
      while at < end {
        let kind: UInt8 = frame.number(at: at)
        if kind == 0 { return nil }
        if kind == 1 {
          at += 1
          continue
        }
        guard at + 2 <= end else { return nil }
        let length = Int(frame.number(at: at + 1, as: UInt8.self))
        guard length >= 2, at + length <= end else { return nil }
        defer { at += length }
        return (kind, at, length)
      }
      return nil
    }
  }
}

// MARK: Numbers

extension RawSpan {
  /// The number in network order at `offset`; the caller has checked that it lies within the span.
  @inlinable @inline(__always)
  func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Number.Type = Number.self) -> Number {
    assert(offset >= 0 && offset + MemoryLayout<Number>.size <= byteCount, "read outside the frame")
    return unsafe Number(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Number.self))
  }
}

/// Order of sequence numbers, modulo 2^32 (RFC 9293 §3.4).
extension UInt32 {
  @inlinable @inline(__always)
  func isBefore(_ other: UInt32) -> Bool { Int32(bitPattern: self &- other) < 0 }
  @inlinable @inline(__always)
  func isAfter(_ other: UInt32) -> Bool { other.isBefore(self) }
}

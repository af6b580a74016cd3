/// Why a capture has no such frame.
struct CaptureError: Error, CustomStringConvertible {
  var description: String
}

/// Packet captures as tcpdump writes them (pcap, of either byte order, micro- or nanoseconds).
enum CaptureFile {
  /// A frame by its number, from 1.
  static func frame(_ number: Int, of file: [UInt8]) throws(CaptureError) -> [UInt8] {
    guard file.count >= 24 else { throw CaptureError(description: "no capture") }
    let isLittle: Bool
    switch word(file, 0, isLittle: true) {
    case 0xA1B2_C3D4, 0xA1B2_3C4D: isLittle = true
    case 0xD4C3_B2A1, 0x4D3C_B2A1: isLittle = false
    case 0x0A0D_0D0A: throw CaptureError(description: "pcapng; convert it with editcap -F pcap")
    default: throw CaptureError(description: "no capture")
    }
    guard word(file, 20, isLittle: isLittle) & 0x0FFF_FFFF == 1 else {
      throw CaptureError(description: "not of Ethernet")
    }
    var place = 24
    var count = 0
    while place + 16 <= file.count {
      let length = Int(word(file, place + 8, isLittle: isLittle))
      place += 16
      guard length <= file.count - place else { break }
      count += 1
      if count == number { return Array(file[place..<place + length]) }
      place += length
    }
    throw CaptureError(description: "there is no packet \(number), but \(count) in all")
  }

  private static func word(_ bytes: [UInt8], _ place: Int, isLittle: Bool) -> UInt32 {
    let four = bytes[place..<place + 4]
    return isLittle ? four.reversed().reduce(0) { $0 << 8 | UInt32($1) } : four.reduce(0) { $0 << 8 | UInt32($1) }
  }
}

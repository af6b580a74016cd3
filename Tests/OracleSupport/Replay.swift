public import Foundation
internal import TestSupport

/// How a case is played through the real forwarder: one port receives all frames in order, the other sends.
///
/// Frames are numbered by their source address, which a bridge leaves alone: a frame that comes out says which it was.
public struct Replay: Sendable {
  /// Why a case cannot be played in this way; `nil`: it can.
  public static func needs(_ one: OracleCase) -> String? {
    one.needs ?? (one.readsPorts ? "a port for each side" : nil)
  }

  private let one: OracleCase
  private let folder: URL

  /// Writes the frames and the settings into `folder`.
  public init(_ one: OracleCase, in folder: URL) throws {
    (self.one, self.folder) = (one, folder)
    let numbered = one.frames.enumerated().map { Frame(Self.number($0.element, $0.offset)) }
    try Capture(frames: numbered).write(to: folder.appending(path: "in.pcap"))
    try Data(try one.settings().utf8).write(to: folder.appending(path: "settings.toml"))
    if let rules = one.rules { try Data(rules.utf8).write(to: folder.appending(path: "rules.nft")) }
  }

  /// The capture of some of the frames, by place.
  public func capture(of places: Range<Int>) throws -> URL {
    let file = folder.appending(path: "in-\(places.lowerBound).pcap")
    let numbered = places.map { Frame(Self.number(one.frames[$0], $0)) }
    try Capture(frames: numbered).write(to: file)
    return file
  }

  /// EAL's words for the two ports.
  public var vdevs: [String] {
    [
      "net_pcap0,rx_pcap=\(folder.path)/in.pcap,tx_pcap=\(folder.path)/back.pcap",
      "net_pcap1,tx_pcap=\(folder.path)/out.pcap",
    ]
  }

  /// The forwarder's own words.
  public var options: [String] {
    ["--idle-exit", "0.1", "--config", folder.appending(path: "settings.toml").path]
      + (one.rules == nil ? [] : ["--rules", folder.appending(path: "rules.nft").path])
  }

  /// What came of it, once the forwarder has ended.
  ///
  /// - Parameter dump: what `dpdkfwd-stat dump ct --json` said; nothing where nothing is tracked.
  public func observed(dump: String) throws(InputError) -> Observed {
    let file = folder.appending(path: "out.pcap")
    let sent: Set<Int>
    do { sent = Self.places(try Capture(contentsOf: file).packets.map(\.bytes), of: one.frames) } catch {
      throw InputError(file, "does not read as a capture: \(error)")
    }
    var table: [String] = []
    for line in dump.split(separator: "\n") {
      do { table.append(try JSONDecoder().decode(Entry.self, from: Data(line.utf8)).line) } catch {
        throw InputError(
          URL(filePath: "dpdkfwd-stat dump ct --json"),
          "\((error as? DecodingError)?.words ?? "\(error)") in\n\(line)")
      }
    }
    return Observed(isForwarded: one.frames.indices.map(sent.contains), finalTable: table.sorted())
  }

  /// Which frames were sent on, by place. Of a datagram that came in fragments it is the one that came last: with that
  /// the oracle says `forward`, with those before `hold`.
  private static func places(_ sent: [[UInt8]], of frames: [[UInt8]]) -> Set<Int> {
    var places: Set<Int> = []
    var datagram: [Int] = []
    for frame in sent {
      guard let place = number(of: frame) else { continue }
      guard let fragment = FragmentHeader(frame) else {
        places.insert(place)
        continue
      }
      datagram.append(place)
      guard !fragment.more else { continue }
      // Cut anew, all pieces have the number of the first one.
      let isCut = Set(datagram).count < datagram.count
      let last = isCut ? frames.lastIndex { FragmentHeader($0)?.identification == fragment.identification } : nil
      places.insert(last ?? datagram.max() ?? place)
      datagram = []
    }
    return places
  }

  private static func number(_ frame: [UInt8], _ index: Int) -> [UInt8] {
    guard frame.count >= 12 else { return frame }
    return Array(frame[..<6]) + [2, 0, 0, 0, UInt8(index >> 8 & 0xFF), UInt8(index & 0xFF)] + Array(frame[12...])
  }

  private static func number(of frame: [UInt8]) -> Int? {
    frame.count >= 12 ? Int(frame[10]) << 8 | Int(frame[11]) : nil
  }
}

extension OracleCase {
  /// Settings that mean what the kernel was told: its switches by our names, and the oracle's timeouts.
  public func settings() throws(InputError) -> String {
    var fragments: [String] = []
    var conntrack = ["enabled = true", "connections = 1024"]
    var timeouts = OracleTimeouts.all + OracleTimeouts.borrowed
    // On in the kernel unless said otherwise.
    var checksum = true
    for (key, value) in switches.sorted(by: { $0.key < $1.key }) {
      let name = key.replacing("net/netfilter/nf_conntrack_", with: "")
      switch name {
      case "net/ipv4/ipfrag_time": fragments.append("timeout-v4 = \(value)")
      case "frag6_timeout": fragments.append("timeout-v6 = \(value)")
      case "checksum": checksum = value != "0"
      case "tcp_loose": conntrack.append("tcp-loose = \(value != "0")")
      case "tcp_be_liberal": conntrack.append("tcp-liberal = \(value != "0")")
      case "tcp_ignore_invalid_rst": conntrack.append("tcp-ignore-invalid-rst = \(value != "0")")
      case "tcp_max_retrans": conntrack.append("tcp-max-retrans = \(value)")
      default:
        guard let place = timeouts.firstIndex(where: { $0.name == name }), let seconds = UInt32(value) else {
          throw InputError(URL(filePath: self.name), "key sysctl.\(key) has no counterpart among our settings")
        }
        timeouts[place].seconds = seconds
      }
    }
    conntrack.append("checksum = \(checksum)")
    let written = timeouts.map { "\($0.name.replacing("_", with: "-")) = \($0.seconds)" }
    let ports = egressMTU.map { ["[ports]", "mtu = \($0)"] } ?? []
    return (ports + ["[fragments]"] + fragments + ["[conntrack]"] + conntrack + ["[timeouts]"] + written)
      .joined(separator: "\n") + "\n"
  }
}

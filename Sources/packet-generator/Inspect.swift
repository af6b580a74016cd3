import ArgumentParser
import Foundation
import TestSupport

/// What a capture holds, in the words that a stateless bridge needs.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says how many frames a capture has, how large they are, and which have a faulty IP header.")

  @Argument(help: "The capture (classic pcap).") var input: String

  func run() throws {
    let frames = try Capture(reading: input).frames
    let faults = frames.compactMap(\.headerFault).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    print("\(frames.count) frames, the largest \(frames.map(\.count).max() ?? 0) bytes.")
    if !faults.isEmpty {
      print("\(faults.values.reduce(0, +)) must be dropped for a fault in the IP header: \(listing(faults)).")
    }
  }
}

extension Capture {
  /// Reads a file that a user named; what is wrong with it is said in words.
  init(reading path: String) throws {
    do { try self.init(contentsOf: URL(filePath: path)) } catch let fault as Fault {
      throw Unreadable(description: "\(path): \(fault.words)")
    }
  }
}

private struct Unreadable: Error, CustomStringConvertible { let description: String }

extension Capture.Fault {
  fileprivate var words: String {
    switch self {
    case .notACapture: "not a classic pcap file (`editcap -F pcap` converts pcapng)"
    case .linkType(let type): "link type \(type), not Ethernet"
    case .cut(let packet): "the file ends inside packet \(packet + 1)"
    }
  }
}

internal import ArgumentParser
internal import NIOCore

/// A host and a port as users write them: `host:port`, `10.0.0.1:port`, `[fd00::1]:port`.
struct Endpoint: ExpressibleByArgument, Equatable, Sendable {
  var host: String
  var port: Int

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":"), let port = UInt16(argument[argument.index(after: colon)...]) else {
      return nil
    }
    var host = argument[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      // Which of the colons begins the port, nobody can say.
      return nil
    }
    guard !host.isEmpty else { return nil }
    (self.host, self.port) = (String(host), Int(port))
  }

  var defaultValueDescription: String { "\(self)" }

  /// Asks the resolver where the host is a name.
  func resolve() throws -> SocketAddress { try SocketAddress.makeAddressResolvingHost(host, port: port) }
}

extension Endpoint: CustomStringConvertible {
  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension SocketAddress {
  /// Whether a datagram from there is meant; without a port, any port is.
  func takes(_ other: SocketAddress) -> Bool {
    ipAddress == other.ipAddress && (port == other.port || port == 0)
  }
}

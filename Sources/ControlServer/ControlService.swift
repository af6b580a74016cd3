public import ControlProtocol
public import JSONText

/// Who is at the other end of a connection.
public struct Client: Hashable, Sendable {
  /// Unlike that of any other connection of this process.
  public let number: UInt64
  /// As the kernel noted them when it connected (`SO_PEERCRED`); its process may have ended since.
  public let pid: Int32
  public let uid: UInt32
  public let gid: UInt32
  /// Whether it came by the socket on which nothing can be changed.
  public let isReadOnly: Bool

  public init(number: UInt64, pid: Int32, uid: UInt32, gid: UInt32, isReadOnly: Bool) {
    self.number = number
    self.pid = pid
    self.uid = uid
    self.gid = gid
    self.isReadOnly = isReadOnly
  }
}

/// What a method does to the forwarder.
public enum Access: Sendable {
  case read
  case write
}

/// What the methods mean.
///
/// All calls come on the server's one thread, so none of them may block: what takes long is awaited. A client waits for
/// its own requests only.
public protocol ControlService: Sendable {
  /// `nil` for a method that there is not.
  func access(of method: String) -> Access?

  /// Carries out a request that the client may make.
  ///
  /// Its task is cancelled when the client has gone and when the answer takes longer than it may; it should end soon
  /// then. Until it does, it takes the place of a connection.
  func answer(_ method: String, _ parameters: JSON, _ client: Client) async throws(ControlError) -> JSON

  /// Whether the client may stay without a word, because it has subscribed to something. Asked whenever it has been
  /// idle for as long as others may be.
  func lasts(_ client: Client) -> Bool

  /// What the server has seen since it was made, whenever that changes; told under a lock.
  func counted(_ counts: ControlCounts)

  /// The client has gone, and none of its requests is being answered. The last that is heard of it.
  func ended(_ client: Client)
}

extension ControlService {
  public func lasts(_ client: Client) -> Bool { false }
  public func counted(_ counts: ControlCounts) {}
  public func ended(_ client: Client) {}
}

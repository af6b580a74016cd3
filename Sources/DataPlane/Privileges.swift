internal import CDPDK
internal import Glibc
internal import Settings

/// Gives up root. Devices, hugepages and the segment are opened as root; forwarding and the end need none of that, since
/// every file that is used later is open by then.
///
/// Looked up at start, where a wrong name is the user's slip; dropped once, on the main thread, when the ports are up.
struct Privileges: Sendable {
  let user: uid_t
  let group: gid_t
  private let account: Account

  init(_ account: Account) throws(DataPlaneError) {
    guard geteuid() == 0 else {
      throw .refused("user \(account): only root can become another user, and this is user \(geteuid())")
    }
    let entry = unsafe getpwnam(account.user) ?? uid_t(account.user).flatMap { unsafe getpwuid($0) }
    guard let user = unsafe entry?.pointee.pw_uid ?? uid_t(account.user) else {
      throw .refused("user \(account): there is no user '\(account.user)'")
    }
    guard user != 0 else { throw .refused("user \(account): that is root; leave it out to stay root") }
    guard let group = try unsafe Self.group(account) ?? entry?.pointee.pw_gid else {
      throw .refused("user \(account): user \(user) has no group of its own; name one")
    }
    self.user = user
    self.group = group
    self.account = account
  }

  private static func group(_ account: Account) throws(DataPlaneError) -> gid_t? {
    guard let name = account.group else { return nil }
    guard let group = unsafe getgrnam(name)?.pointee.gr_gid ?? gid_t(name) else {
      throw .refused("user \(account): there is no group '\(name)'")
    }
    return group
  }

  /// Makes every thread of the process that user, with that group and no other, without any capability, and makes sure
  /// that there is no way back. The process can still be dumped and traced, by its new user.
  func drop() throws(DataPlaneError) {
    var step: UnsafePointer<CChar>?
    let failed = unsafe cdpdk_become(user, group, &step)
    guard failed == 0 else {
      let call = unsafe step.map { unsafe String(cString: $0) } ?? ""
      throw .call("user \(account), \(call)", cause: EAL.errorText(failed))
    }
  }
}

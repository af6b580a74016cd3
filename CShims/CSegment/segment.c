#define _GNU_SOURCE  // for F_OFD_*: a lock that belongs to an open file, not to a process
#include "CSegment.h"

#include <fcntl.h>
#include <unistd.h>

int segment_lock(int fd) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &all);
}

int segment_is_locked(int fd) {
  struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_GETLK, &all) < 0) return -1;
  return all.l_type != F_UNLCK;
}

uint64_t segment_checksum(const void *bytes, size_t size, uint64_t seed) {
  const uint8_t *byte = bytes;
  uint64_t hash = seed;
  for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * 0x100000001b3;
  return hash;
}

void segment_copy(uint64_t *to, const uint64_t *from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
